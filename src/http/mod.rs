//! The http port: /metrics for Prometheus, /healthz and /readyz for whoever watches. Read-only, and
//! there before the node is: a node that replays its log is alive and not ready.

mod listener;
mod page;

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::env::task;
use crate::node::Node;

/// The node, once it is open.
pub type Opening = Arc<OnceLock<Arc<Node>>>;

/// Serves until the process ends, on a thread of its own.
pub fn serve(opening: Opening, listener: std::net::TcpListener) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    task::thread("http", move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let served = runtime.and_then(|runtime| runtime.block_on(serve_on(opening, listener)));
        if let Err(error) = served {
            tracing::error!(%error, "the http port has failed");
        }
    })?;
    Ok(())
}

async fn serve_on(opening: Opening, listener: std::net::TcpListener) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(opening);
    axum::serve(listener::Bounded::new(listener), router).await
}

/// What both answer while the log is replayed.
const LOADING: (StatusCode, &str) = (StatusCode::SERVICE_UNAVAILABLE, "loading\n");

async fn ready(State(opening): State<Opening>) -> axum::response::Response {
    let Some(node) = opening.get() else {
        return LOADING.into_response();
    };
    match node.readiness() {
        Ok(()) => "ready\n".into_response(),
        Err(reason) => {
            let text = format!("{reason}\n");
            (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
        }
    }
}

async fn metrics(State(opening): State<Opening>) -> axum::response::Response {
    let Some(node) = opening.get() else {
        return LOADING.into_response();
    };
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    (kind, page::page(node)).into_response()
}
