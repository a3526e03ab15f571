//! The protocol from outside: a whole server, spoken to over REST and gRPC.

mod abandoned;
mod authorization_code;
mod authorize;
mod authorize_policies;
mod client_credentials;
mod decide;
mod documents;
mod forged_tokens;
mod growth;
mod grpc;
mod introspection;
mod keys;
mod one_time_values;
mod pages;
mod people;
mod policies;
mod prompt;
mod refresh_token;
mod registration;
mod replicas;
mod revocation;
mod sample_credential;
mod secrets;
mod story;
mod trusted;
mod withdrawal;
