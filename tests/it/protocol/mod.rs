//! The protocol from outside: a whole server, spoken to over REST and gRPC.

mod authorization_code;
mod client_credentials;
mod documents;
mod introspection;
mod one_time_values;
mod refresh_token;
mod revocation;
mod withdrawal;
