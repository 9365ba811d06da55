//! EXEC on its way to the seat of its keys: what is watched and what is queued, as words.

use crate::session::Session;

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
