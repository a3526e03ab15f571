//! What a person does in a browser: signing in, and what follows from it.

pub mod csrf;
pub mod passwords;
pub mod session;
pub mod sign_in;
