//! What this process was answered, which a kill of the server does not undo.

use std::sync::Arc;

use jeton::grpc::status::oauth_error;
use jeton::pb::v1::client_authentication::Method;
use jeton::pb::v1::issue_token_request::Grant;
use jeton::pb::v1::{
    AuthorizationCodeGrant, ClientAuthentication, ClientMetadata, ClientSecret, GrantType, IntrospectTokenRequest,
    IssueCodeRequest, IssueTokenRequest, IssueTokenResponse, RefreshTokenGrant, RegisterClientRequest, RevokeTokenRequest,
};
use tonic::{Response, Status};
use tonic_types::StatusExt;

use crate::binary::server::Callers;

/// RFC 7636 appendix B.
const CODE_VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// RFC 7636 appendix B.
const CODE_CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const REDIRECT_URI: &str = "https://client.example/callback";

/// What became of a call.
#[derive(Debug)]
pub enum Answer<T> {
    /// It was answered.
    Done(T),
    /// It was refused with `invalid_grant`, and this sentence.
    Refused(String),
    /// Nobody knows: there was no answer, or that none can be given now.
    Lost,
}

impl<T> Answer<T> {
    /// What was answered, where nothing else may happen.
    pub fn done(self, why: &str) -> T {
        match self {
            Self::Done(answer) => answer,
            Self::Refused(sentence) => panic!("{why}, but it was refused: {sentence}"),
            Self::Lost => panic!("{why}, but there was no answer"),
        }
    }

    /// Asserts that the call was refused.
    pub fn refused(self, why: &str) {
        match self {
            Self::Refused(_) => {}
            Self::Done(_) => panic!("{why}, but it was answered"),
            Self::Lost => panic!("{why}, but there was no answer"),
        }
    }
}

fn read<T>(result: Result<Response<T>, Status>) -> Answer<T> {
    match result {
        Ok(response) => Answer::Done(response.into_inner()),
        Err(status) => match oauth_error(&status) {
            Some(refusal) if refusal.error == "invalid_grant" => Answer::Refused(refusal.error_description),
            Some(refusal) if refusal.error == "temporarily_unavailable" => {
                assert!(status.get_details_retry_info().is_some(), "nobody says when to come again: {status}");
                Answer::Lost
            }
            Some(refusal) => panic!("{}: {}", refusal.error, refusal.error_description),
            None => Answer::Lost,
        },
    }
}

/// A client whose registration was answered.
#[derive(Debug)]
pub struct Client {
    pub id: String,
    secret: String,
}

impl Client {
    pub async fn register(callers: &Callers) -> Answer<Arc<Self>> {
        let metadata = ClientMetadata {
            client_name: "under load".to_owned(),
            redirect_uris: vec![REDIRECT_URI.to_owned()],
            grant_types: vec![GrantType::AuthorizationCode.into(), GrantType::RefreshToken.into()],
            scope: "read write".to_owned(),
            ..ClientMetadata::default()
        };
        let request =
            RegisterClientRequest { workspace: String::new(), metadata: Some(metadata), ..RegisterClientRequest::default() };
        match read(callers.clients.clone().register_client(request).await) {
            Answer::Done(registered) => {
                let id = registered.client.unwrap().client_id;
                Answer::Done(Arc::new(Self { id, secret: registered.client_secret }))
            }
            Answer::Refused(sentence) => Answer::Refused(sentence),
            Answer::Lost => Answer::Lost,
        }
    }

    fn authentication(&self) -> Option<ClientAuthentication> {
        let secret = ClientSecret { client_id: self.id.clone(), client_secret: self.secret.clone() };
        Some(ClientAuthentication { method: Some(Method::ClientSecretBasic(secret)) })
    }

    async fn token(&self, callers: &Callers, grant: Grant) -> Answer<IssueTokenResponse> {
        let client_authentication = self.authentication();
        let request = IssueTokenRequest { workspace: String::new(), client_authentication, grant: Some(grant) };
        read(callers.token.clone().issue_token(request).await)
    }

    pub async fn redeem(&self, callers: &Callers, code: &str) -> Answer<IssueTokenResponse> {
        let code = AuthorizationCodeGrant {
            code: code.to_owned(),
            redirect_uri: REDIRECT_URI.to_owned(),
            code_verifier: CODE_VERIFIER.to_owned(),
            scope: String::new(),
        };
        self.token(callers, Grant::AuthorizationCode(code)).await
    }

    pub async fn refresh(&self, callers: &Callers, token: &str) -> Answer<IssueTokenResponse> {
        let refresh = RefreshTokenGrant { refresh_token: token.to_owned(), scope: String::new() };
        self.token(callers, Grant::RefreshToken(refresh)).await
    }

    pub async fn revoke(&self, callers: &Callers, token: &str) -> Answer<()> {
        let client_authentication = self.authentication();
        let request = RevokeTokenRequest { workspace: String::new(), client_authentication, token: token.to_owned() };
        match read(callers.token.clone().revoke_token(request).await) {
            Answer::Done(_) => Answer::Done(()),
            Answer::Refused(sentence) => Answer::Refused(sentence),
            Answer::Lost => Answer::Lost,
        }
    }

    /// Whether introspection calls a token active.
    pub async fn active(&self, callers: &Callers, token: &str) -> bool {
        let client_authentication = self.authentication();
        let request = IntrospectTokenRequest { workspace: String::new(), client_authentication, token: token.to_owned() };
        read(callers.token.clone().introspect_token(request).await).done("introspection answers").active
    }
}

/// How far a grant has come, as far as anybody can know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// The code was answered, and not presented.
    Issued,
    /// The code was presented; no answer.
    RedemptionInDoubt,
    /// The newest token was answered, and not presented.
    Settled,
    /// The newest token was presented; no answer.
    RotationInDoubt,
    /// The end was asked for, or a second redemption; no answer.
    EndInDoubt,
    /// The end was answered.
    Ended,
}

/// One grant, from its code on.
#[derive(Debug)]
pub struct Story {
    pub client: Arc<Client>,
    pub code: String,
    /// Every refresh token that was answered, the newest last.
    pub tokens: Vec<String>,
    /// The newest access token.
    pub access_token: String,
    pub known: Known,
}

impl Story {
    /// Has a code issued.
    pub async fn begin(callers: &Callers, client: Arc<Client>) -> Answer<Self> {
        let request = IssueCodeRequest {
            client_id: client.id.clone(),
            redirect_uri: REDIRECT_URI.to_owned(),
            scope: "read".to_owned(),
            code_challenge: CODE_CHALLENGE.to_owned(),
            code_challenge_method: "S256".to_owned(),
            subject: "alice".to_owned(),
            ..IssueCodeRequest::default()
        };
        match read(callers.authorization.clone().issue_code(request).await) {
            Answer::Done(issued) => Answer::Done(Self {
                client,
                code: issued.code,
                tokens: Vec::new(),
                access_token: String::new(),
                known: Known::Issued,
            }),
            Answer::Refused(sentence) => Answer::Refused(sentence),
            Answer::Lost => Answer::Lost,
        }
    }

    /// Keeps what a token request answered.
    pub fn keep(&mut self, tokens: IssueTokenResponse) {
        self.access_token = tokens.access_token;
        if self.tokens.last() != Some(&tokens.refresh_token) {
            self.tokens.push(tokens.refresh_token);
        }
        self.known = Known::Settled;
    }

    pub fn newest(&self) -> &str {
        self.tokens.last().unwrap()
    }
}
