//! Channels and patterns of this node, and who listens to them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use parking_lot::RwLock;

use super::handle::ClientHandle;
use crate::glob;
use crate::resp::{Protocol, Reply};

type Listeners = BTreeMap<u64, Arc<ClientHandle>>;

/// A published message, framed once per protocol however many listen.
pub struct Message {
    resp2: Option<Bytes>,
    resp3: Option<Bytes>,
}

/// Who listens to what.
#[derive(Debug, Default)]
pub struct PubSub {
    channels: RwLock<BTreeMap<Bytes, Listeners>>,
    patterns: RwLock<BTreeMap<Bytes, Listeners>>,
}

impl Message {
    fn new() -> Self {
        Self {
            resp2: None,
            resp3: None,
        }
    }

    fn deliver(&mut self, to: &ClientHandle, parts: &[&[u8]]) {
        let resp3 = to.resp.load(Ordering::Relaxed) == 3;
        let (kept, protocol) = if resp3 {
            (&mut self.resp3, Protocol::Resp3)
        } else {
            (&mut self.resp2, Protocol::Resp2)
        };
        let frame = kept.get_or_insert_with(|| {
            let mut out = Vec::new();
            let mut reply = Reply::new(&mut out, protocol);
            reply.push(parts.len());
            parts.iter().for_each(|part| reply.bulk(part));
            Bytes::from(out)
        });
        to.mailbox.push(frame.clone());
    }
}

impl PubSub {
    /// Subscribes to a channel.
    pub fn subscribe(&self, channel: Bytes, handle: &Arc<ClientHandle>) {
        self.channels
            .write()
            .entry(channel)
            .or_default()
            .insert(handle.id, Arc::clone(handle));
    }

    /// Subscribes to a pattern.
    pub fn psubscribe(&self, pattern: Bytes, handle: &Arc<ClientHandle>) {
        self.patterns
            .write()
            .entry(pattern)
            .or_default()
            .insert(handle.id, Arc::clone(handle));
    }

    /// Ends a subscription to a channel.
    pub fn unsubscribe(&self, channel: &[u8], id: u64) {
        Self::drop_listener(&self.channels, channel, id);
    }

    /// Ends a subscription to a pattern.
    pub fn punsubscribe(&self, pattern: &[u8], id: u64) {
        Self::drop_listener(&self.patterns, pattern, id);
    }

    fn drop_listener(of: &RwLock<BTreeMap<Bytes, Listeners>>, name: &[u8], id: u64) {
        let mut all = of.write();
        if let Some(listeners) = all.get_mut(name) {
            listeners.remove(&id);
            if listeners.is_empty() {
                all.remove(name);
            }
        }
    }

    /// Delivers a message; to how many?
    pub fn publish(&self, channel: &[u8], message: &[u8]) -> usize {
        let mut count = 0;
        if let Some(listeners) = self.channels.read().get(channel) {
            let mut frames = Message::new();
            for handle in listeners.values() {
                frames.deliver(handle, &[b"message", channel, message]);
                count += 1;
            }
        }
        for (pattern, listeners) in self.patterns.read().iter() {
            if !glob::matches(pattern, channel) {
                continue;
            }
            let mut frames = Message::new();
            for handle in listeners.values() {
                frames.deliver(handle, &[b"pmessage", pattern, channel, message]);
                count += 1;
            }
        }
        count
    }

    /// Channels with listeners, those that match when a pattern is given.
    pub fn channels(&self, pattern: Option<&[u8]>) -> Vec<Bytes> {
        let all = self.channels.read();
        let fits = |name: &&Bytes| pattern.is_none_or(|pattern| glob::matches(pattern, name));
        all.keys().filter(fits).cloned().collect()
    }

    /// Listeners of one channel.
    pub fn listeners(&self, channel: &[u8]) -> usize {
        self.channels.read().get(channel).map_or(0, BTreeMap::len)
    }

    /// Patterns with listeners.
    pub fn patterns(&self) -> usize {
        self.patterns.read().len()
    }
}
