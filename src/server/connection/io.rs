//! A connection's socket: bytes in, replies out with one write, frames that others push in between.

use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use tokio::io::AsyncReadExt;

use super::Connection;

/// What one read asks for; a request larger than this grows its buffer as it arrives.
const READ_BYTES: usize = 16 * 1024;

/// A client that takes none of its waiting replies for so long is closed. Redis bounds their bytes
/// instead; here they are bounded by not reading on, so only the hold on memory has to end.
const STALLED: Duration = Duration::from_secs(8);

impl Connection {
    /// Waits for bytes or for frames pushed by others. False: the connection is over.
    pub(super) async fn arrive(&mut self) -> std::io::Result<bool> {
        loop {
            let event = self.event().await;
            let handle = &self.session.handle;
            if handle.killed.load(Ordering::Acquire) {
                return Ok(false);
            }
            match event {
                Event::Mail => {
                    if !handle.mailbox.drain(&mut self.output) {
                        tracing::warn!(client = handle.id, "client closed: it reads too slowly");
                        return Ok(false);
                    }
                    self.flush().await?;
                }
                Event::Readable => {
                    if let Some(read) = self.read().await {
                        return read.map(|bytes| bytes > 0);
                    }
                }
            }
        }
    }

    async fn event(&mut self) -> Event {
        let mailbox = &self.session.handle.mailbox;
        std::future::poll_fn(|context| {
            if mailbox.poll_ready(context) {
                return Poll::Ready(Event::Mail);
            }
            self.stream
                .poll_read_ready(context)
                .map(|_| Event::Readable)
        })
        .await
    }

    /// Reads what is there into a buffer taken only now, so that an idle connection holds none.
    /// `None`: nothing was there after all. A short read tells tokio that the socket is drained,
    /// which saves a second system call.
    async fn read(&mut self) -> Option<std::io::Result<usize>> {
        if self.input.capacity() == 0 {
            self.input = self.worker.take_buffer();
        }
        if self.input.capacity() - self.input.len() < READ_BYTES {
            self.input.reserve(READ_BYTES.max(self.input.len()));
        }
        let Self {
            stream,
            input,
            worker,
            ..
        } = self;
        let mut read = std::pin::pin!(stream.read_buf(input));
        let read = std::future::poll_fn(|context| match read.as_mut().poll(context) {
            Poll::Ready(result) => Poll::Ready(Some(result)),
            Poll::Pending => Poll::Ready(None),
        })
        .await;
        if let Some(Ok(bytes)) = &read {
            worker.stats.input_bytes.add(*bytes as u64);
        }
        read
    }

    pub(super) async fn flush(&mut self) -> std::io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        let written = self.output.len();
        let handle = &self.session.handle;
        let mut from = 0;
        while from < written {
            let rest = self.output.get(from..).unwrap_or_default();
            match self.stream.try_write(rest) {
                Ok(some) => from += some,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    handle
                        .output_bytes
                        .store(rest.len() as u64, Ordering::Relaxed);
                    // A reader that takes nothing for so long must not hold its replies for ever.
                    let writable = tokio::time::timeout(STALLED, self.stream.writable());
                    writable.await.map_err(|_| std::io::ErrorKind::TimedOut)??;
                }
                Err(error) => return Err(error),
            }
        }
        handle.output_bytes.store(0, Ordering::Relaxed);
        self.worker.stats.output_bytes.add(written as u64);
        self.output.clear();
        Ok(())
    }
}

enum Event {
    Mail,
    Readable,
}
