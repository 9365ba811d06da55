//! CLIENT INFO and CLIENT LIST: a line a connection, fields as Redis 7.2 orders them.

use std::fmt::Write as _;
use std::sync::atomic::Ordering::Relaxed;

use crate::commands::args::{Args, integer};
use crate::commands::{CommandError, Context, Flow, Outcome, Registry};
use crate::resp::Argv;
use crate::session::{ClientHandle, ClientKind};
use crate::types::WallMs;

fn flags(handle: &ClientHandle) -> String {
    let mut flags = String::new();
    let mut flag = |set: bool, letter| {
        if set {
            flags.push(letter);
        }
    };
    flag(handle.monitor.load(Relaxed), 'O');
    flag(handle.kind() == ClientKind::Pubsub, 'P');
    flag(handle.queued.load(Relaxed) >= 0, 'x');
    flag(handle.blocked.load(Relaxed), 'b');
    flag(handle.no_evict.load(Relaxed), 'e');
    flag(handle.no_touch.load(Relaxed), 'T');
    if flags.is_empty() {
        flags.push('N');
    }
    flags
}

fn line(handle: &ClientHandle, now: WallMs) -> String {
    let names = handle.names.lock().clone();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let seconds = |since: u64| now.0.saturating_sub(since) / 1_000;
    let command = Registry::get()
        .by_number(handle.last_command.load(Relaxed))
        .map_or("NULL", |command| command.full_name.as_str());
    let (query, output) = (
        handle.query_bytes.load(Relaxed),
        handle.output_bytes.load(Relaxed),
    );
    let mut line = String::new();
    // Writing to a string does not fail.
    let _ = write!(
        line,
        "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={} psub={} ssub=0 \
         multi={} qbuf={query} qbuf-free=0 argv-mem=0 multi-mem=0 rbs=16384 rbp=16384 obl=0 oll=0 \
         omem={output} tot-mem={} events=r cmd={command} user=default redir=-1 resp={} lib-name={} \
         lib-ver={}",
        handle.id,
        handle.peer,
        handle.local,
        handle.fd,
        text(&names.name),
        seconds(handle.created_ms),
        seconds(handle.active_ms.load(Relaxed)),
        flags(handle),
        handle.database.load(Relaxed),
        handle.channels.load(Relaxed),
        handle.patterns.load(Relaxed),
        handle.queued.load(Relaxed),
        query + output + handle.mailbox.bytes() as u64,
        handle.resp.load(Relaxed),
        text(&names.lib_name),
        text(&names.lib_ver),
    );
    line
}

pub(super) fn client_info(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    let handle = &context.session.handle;
    handle.database.store(context.session.database.0, Relaxed);
    let line = line(handle, context.keys.now) + "\n";
    context.reply.verbatim("txt", line.as_bytes());
    Ok(Flow::Done)
}

pub(super) fn client_list(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let mut args = Args::new(argv, 2);
    let mut clients = context.node.clients.all();
    if args.left() == 2 && args.take("TYPE") {
        let kind = kind_of(args.bytes()?)?;
        clients.retain(|handle| kind == Some(handle.kind()));
    } else if args.left() > 1 && args.take("ID") {
        let mut ids = Vec::new();
        while !args.is_done() {
            let id = integer(args.bytes()?).ok();
            ids.push(id.ok_or(CommandError::text("ERR Invalid client ID"))? as u64);
        }
        clients.retain(|handle| ids.contains(&handle.id));
    } else if !args.is_done() {
        return Err(CommandError::Syntax);
    }
    let now = context.keys.now;
    let lines: String = clients
        .iter()
        .map(|handle| line(handle, now) + "\n")
        .collect();
    context.reply.verbatim("txt", lines.as_bytes());
    Ok(Flow::Done)
}

/// A client type by name; `None` for those that this node never has (replicas, masters).
pub(super) fn kind_of(name: &[u8]) -> Result<Option<ClientKind>, CommandError> {
    if name.eq_ignore_ascii_case(b"normal") {
        Ok(Some(ClientKind::Normal))
    } else if name.eq_ignore_ascii_case(b"pubsub") {
        Ok(Some(ClientKind::Pubsub))
    } else if [&b"replica"[..], b"slave", b"master"]
        .iter()
        .any(|n| name.eq_ignore_ascii_case(n))
    {
        Ok(None)
    } else {
        let name = String::from_utf8_lossy(name).into_owned();
        Err(format!("ERR Unknown client type '{name}'").into())
    }
}
