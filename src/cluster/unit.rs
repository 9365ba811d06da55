//! Commands on their way to another node: what travels beside the words, and EXEC as words, first what
//! is watched and then what is queued.

use super::wire::{CommandItem, INNER, Words};
use crate::resp::Protocol;
use crate::session::Session;
use crate::types::Database;

/// EXEC's commands one after the other, each with its number of words before it; first what is
/// watched.
pub(super) fn unit_words(session: &Session) -> Vec<Box<[u8]>> {
    let mut words: Vec<Box<[u8]>> = Vec::new();
    let number = |value: u64| -> Box<[u8]> { value.to_string().into_bytes().into() };
    words.push(number(session.watched.len() as u64));
    for watched in &session.watched {
        words.push(number(u64::from(watched.database.0)));
        words.push(watched.key.clone());
        words.push(number(watched.fingerprint));
    }
    let commands = session.queue.as_ref().map(|queue| &queue.commands);
    for command in commands.into_iter().flatten() {
        let argv = command.argv();
        words.push(number(argv.len() as u64));
        words.extend(argv.iter().map(Box::from));
    }
    words
}

/// A command as this session sends it.
pub(super) fn item(session: &Session, flags: u8) -> CommandItem<'static> {
    let quorum = session.quorum_once.unwrap_or(session.quorum);
    CommandItem {
        flags,
        protocol: match session.protocol {
            Protocol::Resp2 => 2,
            Protocol::Resp3 => 3,
        },
        database: session.database,
        r: quorum.r.unwrap_or(0),
        w: quorum.w.unwrap_or(0),
        dw: quorum.dw.map_or(0, |dw| dw.saturating_add(1)),
        timeout_ms: quorum.timeout_ms.map_or(0, |ms| ms.max(1)),
        words: Words::NONE,
    }
}

/// A question that no session asks.
pub(super) const PLAIN: CommandItem<'static> = CommandItem {
    flags: INNER,
    protocol: 2,
    database: Database(0),
    r: 0,
    w: 0,
    dw: 0,
    timeout_ms: 0,
    words: Words::NONE,
};
