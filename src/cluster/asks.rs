//! Forwarded commands as they come out of a frame, and their replies as they go into one.

use super::frames::put_frame;
use super::plane::Plane;
use super::wire::{self, CommandItem, Malformed, Outcome};
use crate::peer::FrameKind;
use crate::session::Quorum;
use crate::types::Database;
use crate::version::wire::Reader;

/// A command to run, taken out of its frame.
#[derive(Debug)]
pub struct Ask {
    /// The number that its answer carries.
    pub number: u64,
    /// Runs here whoever the seat is.
    pub local: bool,
    /// Commands of an EXEC.
    pub unit: bool,
    /// A question of the node itself.
    pub inner: bool,
    /// 2 or 3.
    pub protocol: u8,
    /// SELECTed.
    pub database: Database,
    /// What the connection asked for.
    pub quorum: Quorum,
    /// Name and arguments.
    pub words: Vec<Box<[u8]>>,
}

/// Commands have their replies: one frame for all, or as many as it takes.
pub fn put_answers(plane: &Plane, replies: &[(u64, &[u8])], out: &mut Vec<u8>) {
    let header = plane.header();
    let mut from = 0;
    while from < replies.len() {
        let mut bytes = 0;
        let fitting = replies
            .get(from..)
            .unwrap_or_default()
            .iter()
            .take_while(|(_, reply)| {
                bytes += reply.len() + 16;
                bytes <= ANSWER_BYTES_MAX
            });
        let to = from + fitting.count().max(1);
        put_frame(&header, FrameKind::ANSWER, out, |out| {
            for (number, reply) in replies.get(from..to).unwrap_or_default() {
                let outcome = if reply.starts_with(NOT_SEAT_REPLY) {
                    Outcome::NotSeat
                } else {
                    Outcome::Replied
                };
                wire::put_answer(out, *number, outcome, reply);
            }
        });
        from = to;
    }
}

/// Replies in one frame: below the limit of a frame.
const ANSWER_BYTES_MAX: usize = 512 << 10;

const NOT_SEAT_REPLY: &[u8] = b"-TRYAGAIN not the seat";

pub(super) fn commands(body: &[u8], asks: &mut Vec<Ask>) -> Result<(), Malformed> {
    let mut reader = Reader::new(body);
    let (first, count) = (reader.varint()?, reader.varint()?);
    let mut rest = reader.rest();
    for number in first..first.saturating_add(count) {
        let item: CommandItem<'_> = wire::take_command(&mut rest)?;
        asks.push(Ask {
            number,
            local: item.flags & wire::LOCAL != 0,
            unit: item.flags & wire::UNIT != 0,
            inner: item.flags & wire::INNER != 0,
            protocol: item.protocol,
            database: item.database,
            quorum: Quorum {
                r: (item.r > 0).then_some(item.r),
                w: (item.w > 0).then_some(item.w),
                dw: item.dw.checked_sub(1),
                timeout_ms: (item.timeout_ms > 0).then_some(item.timeout_ms),
            },
            words: item.words.iter().map(Box::from).collect(),
        });
    }
    Ok(())
}
