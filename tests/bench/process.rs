//! Figures 8, 9 and 12: memory, start and size of the real binary.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::Builder;

use crate::load::Target;
use crate::report::{Report, Rounds};
use crate::server::{JETON, Jeton};

const STARTS: usize = 11;
/// Until the first tasks of the background have run.
const SETTLED: Duration = Duration::from_secs(2);

/// Measures figures 8, 9 and 12.
pub fn run(report: &mut Report) {
    let cores = std::thread::available_parallelism().unwrap().get();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let mut starts = Rounds::default();
    for _ in 0..STARTS {
        let begun = Instant::now();
        let jeton = Jeton::start(cores);
        runtime.block_on(async {
            assert_eq!(ready(jeton.address("ops")).await, StatusCode::OK);
            let credentials = jeton.register().await;
            Target::grpc(jeton.address("grpc"), &credentials).token().await;
        });
        starts.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    let idle = Jeton::start(cores);
    sleep(SETTLED);
    let resident = idle.server.resident();
    let resident_text = format!("{:.1} MB ({:.1} MiB)", resident as f64 / 1e6, resident as f64 / 1048576.0);
    report.add("8", "resident memory, idle", resident_text, "<= 20 MB, at most 24 MiB");
    report.add("9", "start to first token, empty store, ms", starts.spread(), "<= 50 ms, at most 100 ms");
    report.add("12", "binary, stripped", format!("{:.2} MB", stripped() as f64 / 1e6), "<= 12 MB");
}

async fn ready(ops: SocketAddr) -> StatusCode {
    let stream = TcpStream::connect(ops).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("/readyz").header("host", ops.to_string()).body(Full::<Bytes>::default()).unwrap();
    sender.send_request(request).await.unwrap().status()
}

/// The size of the binary as it is shipped, in bytes.
fn stripped() -> u64 {
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("jeton");
    let strip = Command::new("strip").arg("-o").arg(&copy).arg(JETON).status();
    // Without binutils only a binary that was built without symbols tells the figure.
    let file = if strip.is_ok_and(|status| status.success()) { copy.as_path() } else { JETON.as_ref() };
    fs::metadata(file).unwrap().len()
}
