//! How a command reaches the server: its address, and the admin token.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::Value;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::cli::failure::Failure;
use crate::types::secret::Secret;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The names that a running server writes into `endpoints.json`, with the variable that sets the
/// address and the address when nobody says otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Listener {
    name: &'static str,
    variable: &'static str,
    default: &'static str,
}

/// gRPC for operators.
pub const ADMIN: Listener = Listener { name: "admin", variable: "JETON_ADMIN_ADDR", default: "http://127.0.0.1:50052" };
/// gRPC for everybody.
pub const GRPC: Listener = Listener { name: "grpc", variable: "JETON_GRPC_ADDR", default: "http://127.0.0.1:50051" };

/// The flags of every command that manages a running server.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub struct Connection {
    /// Where the server's admin listener is.  Without it: JETON_ADMIN_ADDR, else what the server
    /// wrote into endpoints.json of its data directory, else http://127.0.0.1:50052.
    #[arg(long, global = true, value_name = "URL")]
    endpoint: Option<String>,

    /// A file that holds the admin token.  Without it: JETON_ADMIN_TOKEN, JETON_ADMIN_TOKEN_FILE,
    /// else admin-token in the data directory.
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// The server's data directory, when it is on this machine.
    #[arg(long, global = true, env = "JETON_DATA_DIR", default_value = "./jeton-data", value_name = "DIR")]
    data_dir: PathBuf,
}

/// A connection that presents the admin token with every call.
pub type Authorized = InterceptedService<Channel, AdminToken>;

impl Connection {
    /// Connects to the admin listener.
    ///
    /// # Errors
    /// When there is no token, or no server.
    pub async fn open(&self) -> Result<Authorized, Failure> {
        // First the server: who has none wants to hear that, not where a token would be.
        let endpoint = locate(self.endpoint.as_deref(), ADMIN, &self.data_dir)?;
        let channel = connect(&endpoint).await?;
        present(channel, &self.token()?)
    }

    fn token(&self) -> Result<Secret, Failure> {
        if let Some(file) = &self.token_file {
            return read_token(file);
        }
        match (variable("JETON_ADMIN_TOKEN")?, variable("JETON_ADMIN_TOKEN_FILE")?) {
            (Some(_), Some(_)) => {
                Err(Failure::Usage("JETON_ADMIN_TOKEN and JETON_ADMIN_TOKEN_FILE are both set; leave one of them out".to_owned()))
            }
            (Some(token), None) => Ok(Secret::new(token)),
            (None, Some(file)) => read_token(Path::new(&file)),
            (None, None) => read_token(&self.data_dir.join("admin-token")),
        }
    }
}

/// Connects with a token.
///
/// # Errors
/// When the token cannot stand in a header, or no server answers.
pub async fn authorized(endpoint: &str, token: &Secret) -> Result<Authorized, Failure> {
    present(connect(endpoint).await?, token)
}

fn present(channel: Channel, token: &Secret) -> Result<Authorized, Failure> {
    let mut value = MetadataValue::try_from(format!("Bearer {}", token.expose_secret()))
        .map_err(|_| Failure::Usage("the admin token has characters that no header can carry".to_owned()))?;
    value.set_sensitive(true);
    Ok(InterceptedService::new(channel, AdminToken(value)))
}

/// Connects without a token.
///
/// # Errors
/// When the address is none, or no server answers.
pub async fn connect(endpoint: &str) -> Result<Channel, Failure> {
    if endpoint.starts_with("https://") {
        return Err(Failure::Usage("this version reaches a server only over http://".to_owned()));
    }
    let channel = Endpoint::from_shared(endpoint.to_owned())
        .map_err(|_| Failure::Usage(format!("{endpoint} is not a URL such as http://127.0.0.1:50052")))?
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT);
    channel.connect().await.map_err(|_| {
        Failure::Unreachable(format!("no server answers at {endpoint}; start one with jeton serve, or name it with --endpoint"))
    })
}

/// Finds a listener of the server: the flag, the variable, what a running server wrote, the default.
///
/// # Errors
/// When the variable or the file makes no sense.
pub fn locate(flag: Option<&str>, listener: Listener, data_dir: &Path) -> Result<String, Failure> {
    if let Some(flag) = flag {
        return Ok(url(flag));
    }
    if let Some(address) = variable(listener.variable)?.filter(|address| !address.ends_with(":0")) {
        return Ok(url(&address));
    }
    let file = data_dir.join("endpoints.json");
    let Ok(written) = std::fs::read_to_string(&file) else {
        return Ok(listener.default.to_owned());
    };
    let endpoints: Value = serde_json::from_str(&written).unwrap_or_default();
    let endpoint = endpoints.get(listener.name).and_then(Value::as_str);
    endpoint.map(url).ok_or_else(|| Failure::Usage(format!("{} names no {} listener", file.display(), listener.name)))
}

/// The URL of what may be a bare address.  One that means every address of a machine, as servers
/// listen to, is turned into the loopback one.
fn url(endpoint: &str) -> String {
    let address = endpoint.strip_prefix("http://").unwrap_or(endpoint);
    match address.trim_end_matches('/').parse::<SocketAddr>() {
        Ok(SocketAddr::V4(v4)) if v4.ip().is_unspecified() => format!("http://127.0.0.1:{}", v4.port()),
        Ok(SocketAddr::V6(v6)) if v6.ip().is_unspecified() => format!("http://[::1]:{}", v6.port()),
        Ok(_) | Err(_) if endpoint.contains("://") => endpoint.to_owned(),
        Ok(_) | Err(_) => format!("http://{endpoint}"),
    }
}

fn variable(name: &str) -> Result<Option<String>, Failure> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Failure::Usage(format!("{name} is not UTF-8"))),
    }
}

/// Reads a token from its file.
///
/// # Errors
/// When the file cannot be read.
pub fn read_token(file: &Path) -> Result<Secret, Failure> {
    let text = std::fs::read_to_string(file).map_err(|cause| {
        Failure::Usage(format!(
            "the admin token cannot be read from {}: {cause}; --token-file or --data-dir names where it is",
            file.display()
        ))
    })?;
    Ok(Secret::new(text.trim().to_owned()))
}

/// Puts the admin token into the metadata of each call.
#[derive(Clone)]
pub struct AdminToken(MetadataValue<Ascii>);

impl Interceptor for AdminToken {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::url;

    #[test]
    fn an_address_to_listen_on_becomes_one_to_connect_to() {
        assert_eq!(url("127.0.0.1:50052"), "http://127.0.0.1:50052");
        assert_eq!(url("0.0.0.0:50052"), "http://127.0.0.1:50052");
        assert_eq!(url("http://0.0.0.0:1"), "http://127.0.0.1:1");
        assert_eq!(url("[::]:50052"), "http://[::1]:50052");
        assert_eq!(url("jeton.auth:50052"), "http://jeton.auth:50052");
        assert_eq!(url("http://jeton.auth:50052"), "http://jeton.auth:50052");
    }
}
