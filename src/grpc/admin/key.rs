//! `jeton.admin.v1.KeyService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::engine::Engine;
use crate::engine::manage_keys::RotationMode;
use crate::grpc::caller::caller;
use crate::grpc::finish::to_its_end;
use crate::grpc::observe::Observed;
use crate::grpc::parse::workspace;
use crate::keys::ring::{KeyState, RingKey};
use crate::pb::admin::v1;
use crate::pb::admin::v1::key_service_server::KeyService;
use crate::types::time::UnixSeconds;

/// The service.
#[derive(Clone)]
pub struct KeyApi {
    engine: Arc<Engine>,
    list: Observed,
    rotate: Observed,
}

impl KeyApi {
    /// The service of an engine.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine, list: Observed::method("ListKeys"), rotate: Observed::method("RotateKey") }
    }
}

#[tonic::async_trait]
impl KeyService for KeyApi {
    async fn list_keys(&self, request: Request<v1::ListKeysRequest>) -> Result<Response<v1::ListKeysResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let call = async {
            let administrator = self.engine.administrator(&caller(&headers))?;
            let (keys, now) = self.engine.list_keys(administrator, &workspace(&sent.workspace)?)?;
            Ok(v1::ListKeysResponse { keys: keys.iter().map(|key| key_message(key, now)).collect() })
        };
        self.list.run(call).await
    }

    async fn rotate_key(&self, request: Request<v1::RotateKeyRequest>) -> Result<Response<v1::RotateKeyResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let administrator = engine.administrator(&caller(&headers))?;
            let mode = match sent.mode() {
                v1::RotationMode::Unspecified | v1::RotationMode::Announced => RotationMode::Announced,
                v1::RotationMode::Now => RotationMode::Now,
                v1::RotationMode::Compromised => RotationMode::Compromised,
            };
            let (key, now) = engine.rotate_key(administrator, &workspace(&sent.workspace)?, mode).await?;
            Ok(v1::RotateKeyResponse { key: Some(key_message(&key, now)) })
        });
        self.rotate.run(call).await
    }
}

fn key_message(key: &RingKey, now: UnixSeconds) -> v1::SigningKey {
    let state = match key.state(now) {
        KeyState::Announced => v1::KeyState::Announced,
        KeyState::Active => v1::KeyState::Active,
        KeyState::Retired | KeyState::Removed => v1::KeyState::Retired,
    };
    v1::SigningKey {
        kid: key.key.kid().to_owned(),
        alg: "EdDSA".to_owned(),
        state: state.into(),
        announced_at: key.announced_at.0,
        active_from: key.active_from.0,
        retired_at: key.retired_at.map_or(0, |at| at.0),
        removed_at: key.removed_at.map_or(0, |at| at.0),
    }
}
