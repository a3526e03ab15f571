//! An admin listener that keeps clients in a list, so that the commands are tested by themselves.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use jeton::pb::v1::client_service_server::{ClientService, ClientServiceServer};
use jeton::pb::v1::{
    Client, ClientMetadata, DeleteClientRequest, DeleteClientResponse, GetClientRequest, GetClientResponse, ListClientsRequest,
    ListClientsResponse, RegisterClientRequest, RegisterClientResponse, RotateClientSecretRequest, RotateClientSecretResponse,
    UpdateClientRequest, UpdateClientResponse,
};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};

pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";
pub const SECRET: &str = "js_shown_this_once";

#[derive(Clone, Default)]
pub struct Clients(Arc<Mutex<Vec<Client>>>);

/// A listener that ends with the test.
pub struct FakeAdmin {
    pub address: SocketAddr,
    pub clients: Clients,
    _runtime: Runtime,
}

impl FakeAdmin {
    pub fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let clients = Clients::default();
        let service = ClientServiceServer::new(clients.clone());
        let server = tonic::transport::Server::builder().add_service(service);
        runtime.spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        Self { address, clients, _runtime: runtime }
    }
}

impl Clients {
    pub fn add(&self, name: &str) -> Client {
        let mut clients = self.0.lock().unwrap();
        let client = Client {
            client_id: format!("jc_{}", clients.len()),
            workspace: "default".to_owned(),
            metadata: Some(ClientMetadata { client_name: name.to_owned(), ..ClientMetadata::default() }),
            revision: 1,
            ..Client::default()
        };
        clients.push(client.clone());
        client
    }

    pub fn all(&self) -> Vec<Client> {
        self.0.lock().unwrap().clone()
    }

    fn find(&self, client_id: &str) -> Result<Client, Status> {
        let found = self.all().into_iter().find(|client| client.client_id == client_id);
        found.ok_or_else(|| Status::not_found("no client has this client_id"))
    }
}

fn authenticate<T>(request: Request<T>) -> Result<T, Status> {
    let presented = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
    if presented != Some(&format!("Bearer {TOKEN}")) {
        return Err(Status::unauthenticated("the token is not known"));
    }
    Ok(request.into_inner())
}

#[tonic::async_trait]
impl ClientService for Clients {
    async fn register_client(&self, request: Request<RegisterClientRequest>) -> Result<Response<RegisterClientResponse>, Status> {
        let metadata = authenticate(request)?.metadata.unwrap_or_default();
        if metadata.scope.contains('*') {
            let details = ErrorDetails::with_error_info("INVALID_CLIENT_METADATA", "oauth", []);
            return Err(Status::with_error_details(Code::InvalidArgument, "scope must name its scopes", details));
        }
        let mut client = self.add(&metadata.client_name);
        client.metadata = Some(metadata.clone());
        self.0.lock().unwrap().last_mut().unwrap().metadata = Some(metadata);
        Ok(Response::new(RegisterClientResponse { client: Some(client), client_secret: SECRET.to_owned() }))
    }

    async fn get_client(&self, request: Request<GetClientRequest>) -> Result<Response<GetClientResponse>, Status> {
        let client = self.find(&authenticate(request)?.client_id)?;
        Ok(Response::new(GetClientResponse { client: Some(client) }))
    }

    /// Pages of two, whatever is asked for.
    async fn list_clients(&self, request: Request<ListClientsRequest>) -> Result<Response<ListClientsResponse>, Status> {
        let start: usize = authenticate(request)?.page_token.parse().unwrap_or(0);
        let clients = self.all();
        let next = start + 2;
        let next_page_token = if next < clients.len() { next.to_string() } else { String::new() };
        let page = clients.into_iter().skip(start).take(2).collect();
        Ok(Response::new(ListClientsResponse { clients: page, next_page_token }))
    }

    async fn update_client(&self, request: Request<UpdateClientRequest>) -> Result<Response<UpdateClientResponse>, Status> {
        let update = authenticate(request)?;
        let mut client = self.find(&update.client_id)?;
        if update.revision != client.revision {
            return Err(Status::aborted("the client was changed in between"));
        }
        client.metadata = update.metadata;
        client.revision += 1;
        let mut clients = self.0.lock().unwrap();
        let kept = clients.iter_mut().find(|kept| kept.client_id == client.client_id).unwrap();
        *kept = client.clone();
        Ok(Response::new(UpdateClientResponse { client: Some(client) }))
    }

    async fn delete_client(&self, request: Request<DeleteClientRequest>) -> Result<Response<DeleteClientResponse>, Status> {
        let client_id = authenticate(request)?.client_id;
        self.find(&client_id)?;
        self.0.lock().unwrap().retain(|client| client.client_id != client_id);
        Ok(Response::new(DeleteClientResponse {}))
    }

    async fn rotate_client_secret(
        &self,
        request: Request<RotateClientSecretRequest>,
    ) -> Result<Response<RotateClientSecretResponse>, Status> {
        let client = self.find(&authenticate(request)?.client_id)?;
        Ok(Response::new(RotateClientSecretResponse { client: Some(client), client_secret: SECRET.to_owned() }))
    }
}
