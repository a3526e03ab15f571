//! The client of `jeton.hooks.v1.CredentialCheckService`.

use std::time::Duration;

use async_trait::async_trait;
use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use crate::pb::hooks::v1::CheckCredentialRequest;
use crate::pb::hooks::v1::credential_check_service_client::CredentialCheckServiceClient;
use crate::types::ids::{Subject, WorkspaceName};
use crate::types::secret::Secret;
use crate::upstream::{CredentialCheck, NoAnswer};

/// Many times the largest honest answer.
const MOST_BYTES: usize = 16 * 1024;

/// Where the hook is and how it is called.
#[derive(Clone, Debug)]
pub struct Options {
    /// `https`, or `http` on loopback.
    pub uri: String,
    /// Proves jeton to the hook.
    pub token: Secret,
    /// When an answer is too late.
    pub timeout: Duration,
    /// PEM of the authorities that the hook's certificate may be of; `None` for those of the system.
    pub authorities: Option<String>,
}

/// The hook cannot be called as it is configured.
#[derive(Debug, thiserror::Error)]
#[error("the credential check cannot be called: {0}")]
pub struct Unusable(String);

/// Calls the hook.
pub struct RemoteCredentialCheck {
    client: CredentialCheckServiceClient<Channel>,
    authorization: MetadataValue<Ascii>,
    timeout: Duration,
}

impl RemoteCredentialCheck {
    /// Connects at the first call, and again whenever the connection is lost.
    ///
    /// # Errors
    /// For a URI, a certificate or a token that cannot be used.
    pub fn new(options: &Options) -> Result<Self, Unusable> {
        let unusable = |cause: &dyn std::error::Error| Unusable(cause.to_string());
        let mut endpoint = Endpoint::from_shared(options.uri.clone()).map_err(|cause| unusable(&cause))?;
        if options.uri.starts_with("https:") {
            let tls = match &options.authorities {
                Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
                None => ClientTlsConfig::new().with_native_roots(),
            };
            endpoint = endpoint.tls_config(tls).map_err(|cause| unusable(&cause))?;
        }
        let channel = endpoint.connect_timeout(options.timeout).connect_lazy();
        let mut authorization: MetadataValue<Ascii> = format!("Bearer {}", options.token.expose_secret())
            .parse()
            .map_err(|_| Unusable("the token is no header".to_owned()))?;
        authorization.set_sensitive(true);
        Ok(Self {
            client: CredentialCheckServiceClient::new(channel).max_decoding_message_size(MOST_BYTES),
            authorization,
            timeout: options.timeout,
        })
    }
}

#[async_trait]
impl CredentialCheck for RemoteCredentialCheck {
    async fn check(&self, workspace: &WorkspaceName, username: &str, password: &Secret) -> Result<Option<Subject>, NoAnswer> {
        let mut request = Request::new(CheckCredentialRequest {
            workspace: workspace.as_str().to_owned(),
            username: username.to_owned(),
            password: password.expose_secret().to_owned(),
        });
        request.metadata_mut().insert("authorization", self.authorization.clone());
        request.set_timeout(self.timeout);
        let mut client = self.client.clone();
        let call = tokio::time::timeout(self.timeout, client.check_credential(request));
        let answer = call.await.map_err(|_| NoAnswer("it took too long".to_owned()))?;
        // The message of a status may quote the request, so that only its code is told.
        let answer = answer.map_err(|status| NoAnswer(format!("its status is {:?}", status.code())))?;
        match answer.into_inner().subject.as_str() {
            "" => Ok(None),
            subject => Subject::parse(subject).map(Some).map_err(|error| NoAnswer(format!("its subject cannot be one: {error}"))),
        }
    }
}
