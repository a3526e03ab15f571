//! Floor 0: the words of the field.  A value of one of these types is already right.

pub mod authorization;
pub mod branding;
pub mod client;
pub mod entropy;
pub mod error;
pub mod ids;
pub mod lifetime;
mod named;
pub mod pkce;
pub mod policy;
pub mod redirect_uri;
pub mod scope;
pub mod secret;
pub mod time;
