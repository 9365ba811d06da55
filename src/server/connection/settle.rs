//! What a pass over the input still waits for from other nodes, and the replies as they come out: some
//! replaced by an error, some by another node's answer, some made anew.

use std::rc::Rc;
use std::time::{Duration, Instant};

use super::{Connection, set_fanning};
use crate::cluster::{Anew, Hook, Span};
use crate::commands::dispatch::{Dispatch, Ended};
use crate::env::clock::sleep;
use crate::resp::{Limits, Progress, Reply, Request, RequestReader};
use crate::session::{Quorum, ReplyMode};
use crate::types::MAX_BULK_BYTES;

/// Between two tries of a request that found nobody.
const RETRY: Duration = Duration::from_millis(10);

impl Connection {
    /// Waits for other nodes; afterwards the output holds every reply as it is to be sent.
    pub(super) async fn settle(&mut self) {
        let worker = Rc::clone(&self.worker);
        let deadline = worker.node.clock.now() + self.patience();
        self.once_timeout_ms = None;
        loop {
            let mut pass = std::mem::take(&mut self.pass);
            worker.settle(&mut pass, deadline).await;
            if pass.retries() {
                // Routes change when somebody notices; asking again at once would find the same.
                sleep(RETRY).await;
            }
            let mut output = std::mem::take(&mut self.output);
            let protocol = self.session.protocol;
            pass.assemble(
                &mut output,
                |text, out| Reply::new(out, protocol).error(text),
                |span, how, out| self.anew(span, how, out),
            );
            self.output = output;
            if let Some((database, key)) = self.wanted.take() {
                worker.node.load(database, &key).await;
            }
            if self.pass.is_empty() {
                return;
            }
            self.commit().await;
        }
    }

    pub(super) fn patience(&self) -> Duration {
        let shipped = self.worker.plane.borrow().view.request_timeout_ms;
        let own = self.session.quorum.timeout_ms.unwrap_or(shipped);
        // All of a pass wait together: as long as the most patient of them.
        Duration::from_millis(match self.once_timeout_ms {
            Some(once) if self.pass.len() <= 1 => once,
            Some(once) => once.max(own),
            None => own,
        })
    }

    /// QUORUM ONCE is for one command, or for MULTI with all up to its EXEC; not for one that is yet
    /// to run.
    pub(super) fn end_once(&mut self, once: Option<Quorum>, ended: &Ended) {
        let ran = !matches!(ended, Ended::Split | Ended::Load(..) | Ended::Hold);
        if ran && self.session.queue.is_none() && self.session.quorum_once == once {
            self.session.quorum_once = None;
            self.once_timeout_ms = once.and_then(|once| once.timeout_ms);
        }
    }

    /// Runs one request of the input again, its reply at the end of `out`.
    fn anew(&mut self, span: Span, how: Anew, out: &mut Vec<u8>) {
        let worker = Rc::clone(&self.worker);
        let asked = self.input.get(span.asked_from..span.asked_to);
        let bytes = asked.unwrap_or_default().to_vec();
        let mut request = Request::new();
        let limits = Limits::trusted(MAX_BULK_BYTES);
        let Ok(Progress::Complete { .. }) =
            RequestReader::new().next(&bytes, &limits, &mut request)
        else {
            return Reply::new(out, self.session.protocol).error("ERR the request is gone");
        };
        let start = out.len();
        let stage = &mut *worker.stage.borrow_mut();
        let mut plane = worker.plane.borrow_mut();
        plane.refresh(stage);
        set_fanning(stage, true);
        let mut pass = std::mem::take(&mut self.pass);
        let mut hook = Hook::new(&mut plane, &mut pass);
        let instant: Instant = worker.node.clock.now();
        let mut dispatch = Dispatch {
            node: &worker.node,
            stage,
            stats: &worker.stats,
            elsewhere: how.routed.then_some(&mut hook),
            now: worker.node.clock.wall(),
            instant,
        };
        let mode = self.session.reply_mode;
        if how.silent {
            self.session.reply_mode = ReplyMode::Off;
        }
        let ended = dispatch.execute(&mut self.session, request.argv(&bytes), out);
        self.session.reply_mode = mode;
        set_fanning(stage, false);
        match ended {
            Ended::Load(database, key) => {
                self.wanted = Some((database, key));
                hook.try_again();
            }
            Ended::Hold | Ended::Split | Ended::Wait(_) => hook.try_again(),
            Ended::Replied | Ended::Sent | Ended::Close => {}
        }
        hook.place(Span {
            from: start,
            to: out.len(),
            ..span
        });
        self.pass = pass;
    }
}

/// Words as a request of the wire, for a command that a connection makes by itself.
pub(super) fn request_of<'k>(words: impl ExactSizeIterator<Item = &'k [u8]>) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
    out
}
