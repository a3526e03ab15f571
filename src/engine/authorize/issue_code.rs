//! A code in one call, for services in the mesh that vouch for a subject themselves.

use crate::engine::Engine;
use crate::engine::authorize::decide::Approval;
use crate::engine::authorize::validate::RequestParameters;
use crate::keys::opaque::{Kind, Opaque, digest};
use crate::store::grant::{Authorization, CodeIssued, Grant, State};
use crate::types::error::{ErrorCode, OAuthError, Refusal};
use crate::types::ids::{GrantId, WorkspaceName};
use crate::types::scope::Scope;
use crate::types::secret::Secret;

/// A code that was issued.
#[derive(Debug)]
pub struct IssuedCode {
    /// Single-use.
    pub code: Secret,
    /// Seconds until it ends.
    pub expires_in: i64,
    /// The issuer (RFC 9207).
    pub issuer: String,
    /// What was granted.
    pub scope: Scope,
}

impl Engine {
    /// Validates a request and issues its code for a subject that a trusted caller vouches for.
    ///
    /// # Errors
    /// As [`Engine::validate_authorization`], and `access_denied` if the person may not be spoken for.
    pub async fn issue_code(
        &self,
        workspace: &WorkspaceName,
        parameters: &RequestParameters,
        approval: Approval,
    ) -> Result<IssuedCode, Refusal> {
        let checked = self.check_authorization(workspace, parameters).await?;
        let id = checked.workspace.record.id;
        let now = self.clock.now();
        if !self.person_stands(id, &approval.subject, now).await? {
            return Err(OAuthError::new(ErrorCode::AccessDenied, "the person is disabled").into());
        }
        let grant = GrantId::generate(now, &*self.entropy)?;
        let code = Opaque::generate(Kind::Code, grant, 0, &self.data_keys, &*self.entropy)?;
        let scope = checked.request.scope.clone();
        let record = Grant {
            client: checked.client.id.clone(),
            created_at: now,
            state: State::CodeIssued(CodeIssued {
                authorization: Authorization {
                    subject: approval.subject,
                    scope: scope.clone(),
                    auth_time: Some(approval.auth_time.unwrap_or(now.seconds())),
                },
                request: checked.request,
                code: digest(&code, id, &self.data_keys),
                released_by: None,
                expires_at: now.seconds().plus(self.settings.code_lifetime),
            }),
        };
        self.keep_grant(id, grant, &record).await?;
        Ok(IssuedCode {
            code: code.encode(id, &self.data_keys),
            expires_in: self.settings.code_lifetime,
            issuer: checked.workspace.issuer.clone(),
            scope,
        })
    }
}
