//! The token endpoint and its sisters over REST and over gRPC, with answers that compare.

use std::fmt;

use jeton::pb::v1::client_authentication::Method;
use jeton::pb::v1::issue_token_request::Grant;
use jeton::pb::v1::token_service_client::TokenServiceClient;
use jeton::pb::v1::{
    AuthorizationCodeGrant, ClientAuthentication, ClientCredentialsGrant, ClientSecret, IntrospectTokenRequest,
    IntrospectTokenResponse, IssueTokenRequest, OAuthError, PasswordGrant, PublicClient, RefreshTokenGrant, RevokeTokenRequest,
};
use prost::Message;
use serde_json::{Map, Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::clients::{Party, REDIRECT_URI, VERIFIER};
use super::server::Server;

/// Where a request enters.
#[derive(Clone, Copy, Debug)]
pub enum Surface {
    Rest,
    Grpc,
}

/// A fresh server, spoken to over one surface.
pub struct Api {
    pub server: Server,
    pub surface: Surface,
}

impl Api {
    /// The same scenario runs over both, each on a server of its own.
    pub async fn both() -> [Self; 2] {
        Self::both_with(&[]).await
    }

    /// As [`Api::both`], with other settings.
    pub async fn both_with(settings: &[&str]) -> [Self; 2] {
        [
            Self { server: Server::with(settings).await, surface: Surface::Rest },
            Self { server: Server::with(settings).await, surface: Surface::Grpc },
        ]
    }

    /// Stops in order and starts again on the same data.
    pub async fn restart(self) -> Self {
        Self { server: self.server.restart().await, surface: self.surface }
    }
}

/// RFC 6749 section 5.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    pub access_token: String,
    pub token_type: String,
    pub expires_in: i64,
    pub refresh_token: Option<String>,
    pub scope: String,
}

impl Tokens {
    /// The refresh token, which must be there.
    pub fn refresh_token(&self) -> &str {
        self.refresh_token.as_deref().expect("a refresh token")
    }
}

/// RFC 6749 section 5.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub error: String,
    pub description: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.error, self.description)
    }
}

/// How each error code travels: RFC 6749 section 5.2 for HTTP.
const CODES: &[(&str, u16, Code)] = &[
    ("invalid_request", 400, Code::InvalidArgument),
    ("invalid_client", 401, Code::Unauthenticated),
    ("invalid_grant", 400, Code::FailedPrecondition),
    ("unauthorized_client", 400, Code::FailedPrecondition),
    ("unsupported_grant_type", 400, Code::InvalidArgument),
    ("unsupported_response_type", 400, Code::InvalidArgument),
    ("invalid_scope", 400, Code::InvalidArgument),
    ("access_denied", 400, Code::FailedPrecondition),
    ("too_many_requests", 429, Code::ResourceExhausted),
    ("login_required", 400, Code::FailedPrecondition),
    ("invalid_redirect_uri", 400, Code::InvalidArgument),
    ("invalid_client_metadata", 400, Code::InvalidArgument),
];

/// The OAuth refusal of a gRPC status, whose every part must agree with the others.
pub fn oauth_refusal(status: &Status) -> Refused {
    let (refused, _) = oauth_refusal_with_redirect(status);
    refused
}

/// The same, and where a browser may be sent with it.
pub fn oauth_refusal_with_redirect(status: &Status) -> (Refused, String) {
    let info = status.get_details_error_info().unwrap_or_else(|| panic!("no ErrorInfo: {status:?}"));
    let packed = tonic_types::pb::Status::decode(status.details()).unwrap();
    let detail = packed.details.iter().find(|detail| detail.type_url == "type.googleapis.com/jeton.v1.OAuthError");
    let OAuthError { error, error_description, redirect_uri } = OAuthError::decode(detail.unwrap().value.as_slice()).unwrap();
    assert_eq!((info.domain.as_str(), info.reason.as_str()), ("oauth", error.to_ascii_uppercase().as_str()));
    assert_eq!(status.message(), error_description);
    let (_, _, code) = CODES.iter().find(|(name, ..)| *name == error).unwrap_or_else(|| panic!("{error} has no row"));
    assert_eq!(status.code(), *code, "{error}");
    (Refused { error, description: error_description }, redirect_uri)
}

/// What came back over HTTP.
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: String,
}

impl Answer {
    /// Reads it to its end.
    pub async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, body: response.text().await.unwrap() }
    }

    /// One header, empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The JSON body of a 200, else the refusal, whose every part must agree with the others.
    pub fn json(&self) -> Result<Value, Refused> {
        assert_eq!(self.header("cache-control"), "no-store");
        let body: Value = serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body));
        if self.status == 200 {
            return Ok(body);
        }
        let (error, description) = (body["error"].as_str().unwrap(), body["error_description"].as_str().unwrap());
        let (_, status, _) = CODES.iter().find(|(name, ..)| *name == error).unwrap_or_else(|| panic!("{error} has no row"));
        assert_eq!(self.status, *status, "{error}");
        assert_eq!(self.status == 401, !self.header("www-authenticate").is_empty());
        Err(Refused { error: error.to_owned(), description: description.to_owned() })
    }
}

/// A form as the client's library encodes it.
pub fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

impl Server {
    /// The path of an endpoint in a workspace.
    pub fn endpoint(&self, workspace: &str, path: &str) -> String {
        if workspace.is_empty() { self.url(path) } else { self.url(&format!("/{workspace}{path}")) }
    }

    /// Posts a form, authenticated by header when the client has a secret.
    pub async fn post(&self, path: &str, party: &Party, pairs: &[(&str, &str)]) -> Answer {
        let mut pairs = pairs.to_vec();
        let mut request = self.http.post(self.endpoint(&party.workspace, path));
        match party.secret {
            Some(_) => request = request.header("authorization", party.basic()),
            None => pairs.push(("client_id", &party.client_id)),
        }
        self.send_form(request, &form(&pairs)).await
    }

    /// Posts a form as it is, without a header of the client's.
    pub async fn post_plainly(&self, path: &str, body: &str) -> Answer {
        self.send_form(self.http.post(self.url(path)), body).await
    }

    async fn send_form(&self, request: reqwest::RequestBuilder, body: &str) -> Answer {
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body.to_owned());
        Answer::of(request.send().await.unwrap()).await
    }

    /// `jeton.v1.TokenService` for everybody.
    pub fn tokens(&self) -> TokenServiceClient<tonic::transport::Channel> {
        TokenServiceClient::new(self.public())
    }
}

impl Api {
    /// The token endpoint, with the parameters of a form.
    pub async fn token(&self, party: &Party, pairs: &[(&str, &str)]) -> Result<Tokens, Refused> {
        match self.surface {
            Surface::Rest => {
                let body = self.server.post("/oauth2/token", party, pairs).await.json()?;
                let text = |name: &str| body[name].as_str().map(str::to_owned);
                Ok(Tokens {
                    access_token: text("access_token").unwrap(),
                    token_type: text("token_type").unwrap(),
                    expires_in: body["expires_in"].as_i64().unwrap(),
                    refresh_token: text("refresh_token"),
                    scope: text("scope").unwrap_or_default(),
                })
            }
            Surface::Grpc => {
                let request = IssueTokenRequest {
                    workspace: party.workspace.clone(),
                    client_authentication: Some(authentication(party)),
                    grant: grant(pairs),
                };
                let answer =
                    self.server.tokens().issue_token(request).await.map_err(|status| oauth_refusal(&status))?.into_inner();
                Ok(Tokens {
                    access_token: answer.access_token,
                    token_type: answer.token_type,
                    expires_in: answer.expires_in,
                    refresh_token: Some(answer.refresh_token).filter(|token| !token.is_empty()),
                    scope: answer.scope,
                })
            }
        }
    }

    /// Redeems a code as its client should.
    pub async fn redeem(&self, party: &Party, code: &str) -> Result<Tokens, Refused> {
        self.redeem_with(party, code, &[("redirect_uri", REDIRECT_URI), ("code_verifier", VERIFIER)]).await
    }

    /// Redeems a code with other parameters.
    pub async fn redeem_with(&self, party: &Party, code: &str, pairs: &[(&str, &str)]) -> Result<Tokens, Refused> {
        let pairs = [&[("grant_type", "authorization_code"), ("code", code)], pairs].concat();
        self.token(party, &pairs).await
    }

    /// The tokens of a person who allowed a client a scope.
    pub async fn sign_in(&self, party: &Party, subject: &str, scope: &str) -> Tokens {
        let code = self.server.code(party, subject, scope).await;
        self.redeem(party, &code).await.unwrap()
    }

    /// Refreshes.
    pub async fn refresh(&self, party: &Party, refresh_token: &str) -> Result<Tokens, Refused> {
        self.refresh_for(party, refresh_token, "").await
    }

    /// Refreshes for a scope.
    pub async fn refresh_for(&self, party: &Party, refresh_token: &str, scope: &str) -> Result<Tokens, Refused> {
        self.token(party, &[("grant_type", "refresh_token"), ("refresh_token", refresh_token), ("scope", scope)]).await
    }

    /// A token for the client itself.
    pub async fn client_credentials(&self, party: &Party, scope: &str) -> Result<Tokens, Refused> {
        self.token(party, &[("grant_type", "client_credentials"), ("scope", scope)]).await
    }

    /// The introspection endpoint (RFC 7662), as JSON on either surface.
    pub async fn introspect(&self, party: &Party, token: &str) -> Result<Value, Refused> {
        match self.surface {
            Surface::Rest => self.server.post("/oauth2/introspect", party, &[("token", token)]).await.json(),
            Surface::Grpc => {
                let request = IntrospectTokenRequest {
                    workspace: party.workspace.clone(),
                    client_authentication: Some(authentication(party)),
                    token: token.to_owned(),
                };
                let answer = self.server.tokens().introspect_token(request).await.map_err(|status| oauth_refusal(&status))?;
                Ok(introspection_json(answer.into_inner()))
            }
        }
    }

    /// Whether a token is active, for a caller whose business it is.
    pub async fn active(&self, party: &Party, token: &str) -> bool {
        self.introspect(party, token).await.unwrap()["active"].as_bool().unwrap()
    }

    /// The revocation endpoint (RFC 7009).
    pub async fn revoke(&self, party: &Party, token: &str) -> Result<(), Refused> {
        match self.surface {
            Surface::Rest => {
                let answer = self.server.post("/oauth2/revoke", party, &[("token", token)]).await;
                if (answer.status, answer.body.as_str()) == (200, "") { Ok(()) } else { answer.json().map(|_| ()) }
            }
            Surface::Grpc => {
                let request = RevokeTokenRequest {
                    workspace: party.workspace.clone(),
                    client_authentication: Some(authentication(party)),
                    token: token.to_owned(),
                };
                self.server.tokens().revoke_token(request).await.map_err(|status| oauth_refusal(&status))?;
                Ok(())
            }
        }
    }
}

/// How a client authenticates over gRPC.
pub fn authentication(party: &Party) -> ClientAuthentication {
    let client_id = party.client_id.clone();
    let method = match &party.secret {
        Some(secret) => Method::ClientSecretBasic(ClientSecret { client_id, client_secret: secret.clone() }),
        None => Method::None(PublicClient { client_id }),
    };
    ClientAuthentication { method: Some(method) }
}

fn grant(pairs: &[(&str, &str)]) -> Option<Grant> {
    let value =
        |name: &str| pairs.iter().find(|(sent, _)| *sent == name).map(|(_, value)| (*value).to_owned()).unwrap_or_default();
    match value("grant_type").as_str() {
        "authorization_code" => Some(Grant::AuthorizationCode(AuthorizationCodeGrant {
            code: value("code"),
            redirect_uri: value("redirect_uri"),
            code_verifier: value("code_verifier"),
            scope: value("scope"),
        })),
        "refresh_token" => {
            Some(Grant::RefreshToken(RefreshTokenGrant { refresh_token: value("refresh_token"), scope: value("scope") }))
        }
        "password" => Some(Grant::Password(PasswordGrant {
            username: value("username"),
            password: value("password"),
            scope: value("scope"),
        })),
        "client_credentials" => Some(Grant::ClientCredentials(ClientCredentialsGrant { scope: value("scope") })),
        _ => None,
    }
}

/// What the message says, in the names and with the omissions of RFC 7662 section 2.2.
fn introspection_json(message: IntrospectTokenResponse) -> Value {
    let IntrospectTokenResponse { active, scope, client_id, token_type, exp, iat, sub, aud, iss, jti } = message;
    let mut answer = Map::from_iter([("active".to_owned(), json!(active))]);
    for (name, text) in [
        ("scope", scope),
        ("client_id", client_id),
        ("token_type", token_type),
        ("sub", sub),
        ("aud", aud),
        ("iss", iss),
        ("jti", jti),
    ] {
        if !text.is_empty() {
            answer.insert(name.to_owned(), json!(text));
        }
    }
    for (name, seconds) in [("exp", exp), ("iat", iat)] {
        if seconds != 0 {
            answer.insert(name.to_owned(), json!(seconds));
        }
    }
    Value::Object(answer)
}
