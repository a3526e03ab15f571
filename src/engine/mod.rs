//! Floor 2: the rules of OAuth.  Knows neither tonic nor axum nor sled.

pub mod settings;
