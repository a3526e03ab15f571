//! One request of a browser: which workspace, which browser, whose session; and how it is answered.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::response::Response;
use http::header::SET_COOKIE;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use tonic::Request;

use crate::gateway::cookie::BrowserCookie;
use crate::gateway::error::Refused;
use crate::gateway::pages::error_page::Place;
use crate::gateway::pages::form::{Fields, Unread};
use crate::gateway::pages::mistake::Stop;
use crate::gateway::redirect::see_other;
use crate::gateway::workspace::Workspace;
use crate::gateway::{Gateway, Services};
use crate::grpc::facts::GatewayFacts;
use crate::types::error::OAuthError;
use crate::types::secret::Secret;

/// What a page's handler ends with.
pub(in crate::gateway) type Outcome<T = Response> = Result<T, Stop>;

/// A request of a browser.
pub(in crate::gateway) struct Visit {
    gateway: Arc<Gateway>,
    /// Empty for the default workspace.
    pub workspace: String,
    /// What stands before every path of the workspace.
    pub base: String,
    /// The client that the path names; empty for none.
    pub client_id: String,
    /// The query, as sent.
    pub query: Option<String>,
    place: Place,
    own: bool,
    browser: Option<Secret>,
    fresh_browser: bool,
    session: Option<Secret>,
    address: Option<IpAddr>,
}

impl FromRequestParts<Arc<Gateway>> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Response> {
        let place = Place::of_path(parts.uri.path());
        let Workspace(workspace) =
            Workspace::from_request_parts(parts, gateway).await.map_err(|refused| gateway.error_pages.render(&refused, place))?;
        let params = RawPathParams::from_request_parts(parts, gateway).await.ok();
        let client_id = params.iter().flatten().find(|(name, _)| *name == "client_id").map(|(_, value)| value.to_owned());
        Ok(Self {
            base: gateway.site.base(&workspace),
            client_id: client_id.unwrap_or_default(),
            query: parts.uri.query().map(str::to_owned),
            place,
            own: gateway.site.sent(&parts.headers),
            browser: gateway.cookie.read(&parts.headers),
            fresh_browser: false,
            session: gateway.session_cookie.read(&parts.headers, &workspace),
            address: gateway.address(&parts.headers, &parts.extensions),
            workspace,
            gateway: Arc::clone(gateway),
        })
    }
}

impl Visit {
    /// The services behind the pages.
    pub fn services(&self) -> &Services {
        &self.gateway.services
    }

    /// The workspace's issuer.
    pub fn issuer(&self) -> String {
        self.gateway.site.issuer(&self.workspace)
    }

    /// A call with what only the gateway knows.
    pub fn call<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.extensions_mut().insert(GatewayFacts {
            browser: self.browser.clone(),
            session: self.session.clone(),
            address: self.address,
            ..GatewayFacts::default()
        });
        request
    }

    /// Gives the browser a value of its own when it has none: what a form's token follows from.
    ///
    /// # Errors
    /// Without randomness.
    pub fn mark_browser(&mut self) -> Result<(), Refused> {
        if self.browser.is_none() {
            self.browser = Some(BrowserCookie::generate(&*self.gateway.entropy).map_err(OAuthError::from)?);
            self.fresh_browser = true;
        }
        Ok(())
    }

    /// The fields of the query.
    ///
    /// # Errors
    /// As [`Fields::parse`].
    pub(super) fn fields(&self) -> Result<Fields, Refused> {
        Fields::parse(self.query.as_deref().unwrap_or_default().as_bytes())
    }

    /// The fields of a posted form of one of our own pages (threat J2).
    ///
    /// # Errors
    /// 403 when the browser says that it is of another site; else as [`Fields::read`].
    pub(super) async fn form(&self, body: Unread) -> Result<Fields, Refused> {
        if !self.own {
            let description = "the form was sent by another site, or by a page that hides where it is from";
            return Err(Refused::new(StatusCode::FORBIDDEN, "access_denied", description));
        }
        Fields::read(body.0, &self.gateway).await
    }

    /// Leads to another page of the workspace.
    ///
    /// # Errors
    /// Never for a path of ours.
    pub fn to(&self, path: &str) -> Outcome {
        Ok(see_other(&format!("{}{path}", self.base))?)
    }

    /// Leads to another page with the same authorization request; without one when it is empty.
    ///
    /// # Errors
    /// Never: the handle is encoded.
    pub fn to_with_handle(&self, path: &str, handle: &Secret) -> Outcome {
        if handle.is_empty() {
            return self.to(path);
        }
        self.to(&format!("{path}?{}", handle_query(handle)))
    }

    /// The header that gives the browser a session.
    ///
    /// # Errors
    /// When the service made one that no cookie can hold.
    pub fn session_cookie(&self, session: &Secret) -> Result<HeaderValue, Refused> {
        let cookie = self.gateway.session_cookie.set(&self.workspace, session);
        Ok(cookie.ok_or_else(|| OAuthError::server_error("the service made a session that no cookie can hold"))?)
    }

    /// The header that takes it away.
    pub fn no_session_cookie(&self) -> Option<HeaderValue> {
        self.gateway.session_cookie.clear(&self.workspace)
    }

    /// What the browser gets: a refusal goes to the client where it may, else to the person.
    ///
    /// A refusal gives the browser no new value: another site may have caused it, without the cookies
    /// that the browser has, and would replace the one that the person's open forms rest on.
    pub fn finish(self, outcome: Outcome) -> Response {
        let outcome = match outcome {
            Err(Stop::SignIn) => self.to("/login"),
            Ok(_) | Err(Stop::Refused(_)) => outcome,
        };
        match outcome {
            Ok(response) => self.marked(response),
            Err(Stop::Refused(refused)) => self.refuse(&refused),
            // Cannot happen: the sign-in page's address is of our own making.
            Err(Stop::SignIn) => self.refuse(&Refused::not_found("there is nothing at this path")),
        }
    }

    fn marked(&self, mut response: Response) -> Response {
        if self.fresh_browser
            && let Some(cookie) = self.browser.as_ref().and_then(|browser| self.gateway.cookie.set(browser))
        {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }

    fn refuse(&self, refused: &Refused) -> Response {
        let redirected = refused.redirect_uri.as_deref().and_then(|uri| see_other(uri).ok());
        redirected.unwrap_or_else(|| self.gateway.error_pages.render(refused, self.place))
    }
}

/// `handle=...`, encoded, so that whatever was sent stays one value.
pub(super) fn handle_query(handle: &Secret) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair("handle", handle.expose_secret()).finish()
}
