//! `jeton.admin.v1.PolicyService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::engine::Engine;
use crate::engine::page::{PageRequest, cut_page};
use crate::engine::policy::configure::Switch;
use crate::engine::policy::report::{ClientReport, Measure, advice};
use crate::grpc::caller::caller;
use crate::grpc::client::{client_message, policy_message};
use crate::grpc::finish::to_its_end;
use crate::grpc::observe::Observed;
use crate::grpc::parse::{policy, preset, preset_reason, workspace};
use crate::pb::admin::v1;
use crate::pb::admin::v1::policy_service_server::PolicyService;
use crate::types::error::Refusal;
use crate::types::time::UnixSeconds;

/// The service.
#[derive(Clone)]
pub struct PolicyApi {
    engine: Arc<Engine>,
    enable: Observed,
    disable: Observed,
    preset: Observed,
    report: Observed,
}

impl PolicyApi {
    /// The service of an engine.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            enable: Observed::method("EnablePolicy"),
            disable: Observed::method("DisablePolicy"),
            preset: Observed::method("ApplyPreset"),
            report: Observed::method("ReportPolicies"),
        }
    }
}

#[tonic::async_trait]
impl PolicyService for PolicyApi {
    async fn enable_policy(
        &self,
        request: Request<v1::EnablePolicyRequest>,
    ) -> Result<Response<v1::EnablePolicyResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let administrator = engine.administrator(&caller(&headers))?;
            let name = workspace(&sent.workspace)?;
            let (expires_at, with_wildcard_scope) = (end(sent.expires_at)?, sent.with_wildcard_scope);
            let switch = Switch { reason: sent.reason, expires_at, with_wildcard_scope };
            let client = engine.enable_policy(administrator, &name, &sent.client_id, policy(&sent.policy)?, &switch).await?;
            Ok(v1::EnablePolicyResponse { client: Some(client_message(&name, &client)) })
        });
        self.enable.run(call).await
    }

    async fn disable_policy(
        &self,
        request: Request<v1::DisablePolicyRequest>,
    ) -> Result<Response<v1::DisablePolicyResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let administrator = engine.administrator(&caller(&headers))?;
            let name = workspace(&sent.workspace)?;
            let client = engine.disable_policy(administrator, &name, &sent.client_id, policy(&sent.policy)?).await?;
            Ok(v1::DisablePolicyResponse { client: Some(client_message(&name, &client)) })
        });
        self.disable.run(call).await
    }

    async fn apply_preset(&self, request: Request<v1::ApplyPresetRequest>) -> Result<Response<v1::ApplyPresetResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let administrator = engine.administrator(&caller(&headers))?;
            let name = workspace(&sent.workspace)?;
            let preset = preset(&sent.preset)?;
            let reason = preset_reason(preset, sent.reason);
            let switch = Switch { reason, expires_at: end(sent.expires_at)?, with_wildcard_scope: false };
            let client = engine.apply_preset(administrator, &name, &sent.client_id, preset, switch).await?;
            Ok(v1::ApplyPresetResponse { client: Some(client_message(&name, &client)) })
        });
        self.preset.run(call).await
    }

    async fn report_policies(
        &self,
        request: Request<v1::ReportPoliciesRequest>,
    ) -> Result<Response<v1::ReportPoliciesResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let call = async {
            let administrator = self.engine.administrator(&caller(&headers))?;
            let name = workspace(&sent.workspace)?;
            let page = PageRequest::parse(sent.page_size, &sent.page_token)?;
            let (measure, mut clients) = self.engine.report_policies(administrator, &name, &page).await?;
            Ok(v1::ReportPoliciesResponse {
                next_page_token: cut_page(&mut clients, &page, |report| report.client.id.to_string()),
                reports: clients.iter().flat_map(|report| report_messages(&measure, report)).collect(),
            })
        };
        self.report.run(call).await
    }
}

/// The end of a policy, where 0 is never.
fn end(seconds: i64) -> Result<Option<UnixSeconds>, Refusal> {
    match seconds {
        0 => Ok(None),
        1.. => Ok(Some(UnixSeconds(seconds))),
        _ => Err(Refusal::InvalidField("expires_at", "must be Unix seconds, or 0 for never".into())),
    }
}

fn report_messages(measure: &Measure, report: &ClientReport) -> Vec<v1::PolicyReport> {
    let client = &report.client;
    let message = |grant: &crate::store::client::PolicyGrant| {
        let used = report.uses.iter().find(|used| used.policy == grant.policy);
        v1::PolicyReport {
            client_id: client.id.to_string(),
            client_name: client.name.clone(),
            policy: Some(policy_message(grant)),
            expired: grant.expires_at.is_some_and(|end| end <= measure.now),
            within_ceiling: measure.within_ceiling(grant.policy),
            uses: used.map_or(0, |used| used.count),
            last_used_at: used.map_or(0, |used| used.last_used_at.0),
            advice: advice(grant.policy).to_owned(),
        }
    };
    client.policies.iter().map(message).collect()
}
