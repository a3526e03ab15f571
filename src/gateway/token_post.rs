//! A request to the token endpoint: a form, and perhaps a code in the query of its URL.
//!
//! The code is taken out of the URL here and goes no further than into the message.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};

use crate::gateway::Gateway;
use crate::gateway::error::Refused;
use crate::gateway::form::{Form, Parameter, Posted, refuse_parameters_in_url};
use crate::types::secret::Secret;

/// What was posted.
pub(super) struct TokenPost {
    /// The form and the headers.
    pub posted: Posted,
    /// The code that stood in the URL.
    pub query_code: Option<Secret>,
}

impl FromRequest<Arc<Gateway>> for TokenPost {
    type Rejection = Refused;

    async fn from_request(request: Request, gateway: &Arc<Gateway>) -> Result<Self, Refused> {
        let (parts, body) = request.into_parts();
        let query_code = code_of(parts.uri.query())?;
        let posted = Posted::read(parts.headers, body, gateway).await?;
        if query_code.is_some() && posted.form.has(Parameter::Code) {
            return Err(Refused::invalid_request("the parameter code is sent twice, in the URL and in the body"));
        }
        Ok(Self { posted, query_code })
    }
}

/// The code in a query, which may hold no other parameter of ours.
fn code_of(query: Option<&str>) -> Result<Option<Secret>, Refused> {
    refuse_parameters_in_url(query, Some(Parameter::Code))?;
    if refuse_parameters_in_url(query, None).is_ok() {
        return Ok(None);
    }
    // Read again, strictly: a repeated or malformed code is refused.
    let form = Form::from_query(query)?;
    Ok(form.has(Parameter::Code).then(|| Secret::new(form.text(Parameter::Code))))
}
