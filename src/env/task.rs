//! Tasks and threads, each with a name that an operator sees in `top -H`.

use std::thread::JoinHandle;

/// Starts a named thread. A panic in any thread aborts the process in release builds: a node with
/// half its threads is worse than one that is down.
pub fn thread<F>(name: &str, run: F) -> std::io::Result<JoinHandle<()>>
where
    F: FnOnce() + Send + 'static,
{
    std::thread::Builder::new().name(name.to_owned()).spawn(run)
}

/// Starts a task on this thread's runtime, for as long as the runtime lives.
pub fn local<F>(_name: &'static str, future: F) -> tokio::task::JoinHandle<()>
where
    F: Future<Output = ()> + 'static,
{
    tokio::task::spawn_local(future)
}
