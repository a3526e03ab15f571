//! `prompt` (OpenID Connect Core 1.0 section 3.1.2.1): what the person must be asked.

use crate::types::authorization::Prompt;
use crate::types::error::OAuthError;

/// Reads the parameter; empty leaves it to the server.
///
/// # Errors
/// `invalid_request` for a word that is not defined, or `none` beside another one.
pub(super) fn parse(parameter: &str) -> Result<Vec<Prompt>, OAuthError> {
    let mut prompts = Vec::new();
    for word in parameter.split(' ').filter(|word| !word.is_empty()) {
        let prompt = Prompt::from_name(word)
            .ok_or_else(|| OAuthError::invalid_request("prompt must be of none, login, consent and select_account"))?;
        if !prompts.contains(&prompt) {
            prompts.push(prompt);
        }
    }
    if prompts.contains(&Prompt::None) && prompts.len() > 1 {
        return Err(OAuthError::invalid_request("prompt=none cannot stand beside another prompt"));
    }
    Ok(prompts)
}
