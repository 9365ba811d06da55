//! Conflict policies by key prefix: the longest prefix wins. Facts of the cluster, read on the hot
//! path through one snapshot.

use std::collections::BTreeMap;

/// What a plain read does with concurrent versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conflict {
    /// One winner, the same on every node; the others stay masked until overwritten or resolved.
    #[default]
    Lww,
    /// `-CONFLICT`: the application reconciles.
    Siblings,
}

/// What holds for the keys under one prefix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// See [`Conflict`].
    pub conflict: Conflict,
    /// Read quorum, when it differs from the cluster's.
    pub r: Option<u8>,
    /// Write quorum, when it differs from the cluster's.
    pub w: Option<u8>,
    /// Seconds to live for writes that name no expiry.
    pub ttl_seconds: Option<u64>,
}

/// All policies, by prefix.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    by_prefix: BTreeMap<Vec<u8>, Policy>,
}

impl Policies {
    /// The policy of a key: that of its longest prefix, else the default.
    #[inline]
    pub fn of(&self, key: &[u8]) -> Policy {
        if self.by_prefix.is_empty() {
            return Policy::default();
        }
        self.by_prefix
            .iter()
            .filter(|(prefix, _)| key.starts_with(prefix))
            .max_by_key(|(prefix, _)| prefix.len())
            .map_or_else(Policy::default, |(_, policy)| *policy)
    }

    /// Is none set?
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.by_prefix.is_empty()
    }

    /// The policy set for exactly this prefix.
    pub fn get(&self, prefix: &[u8]) -> Option<Policy> {
        self.by_prefix.get(prefix).copied()
    }

    /// Sets the policy of a prefix.
    pub fn set(&mut self, prefix: &[u8], policy: Policy) {
        self.by_prefix.insert(prefix.to_vec(), policy);
    }

    /// Removes the policy of a prefix; was there one?
    pub fn remove(&mut self, prefix: &[u8]) -> bool {
        self.by_prefix.remove(prefix).is_some()
    }

    /// All prefixes with their policies, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &Policy)> {
        self.by_prefix
            .iter()
            .map(|(prefix, policy)| (prefix.as_slice(), policy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_wins() {
        let siblings = Policy {
            conflict: Conflict::Siblings,
            ..Policy::default()
        };
        let mut policies = Policies::default();
        policies.set(b"cart:", siblings);
        policies.set(
            b"cart:tmp:",
            Policy {
                ttl_seconds: Some(60),
                ..Policy::default()
            },
        );
        assert_eq!(policies.of(b"cart:1").conflict, Conflict::Siblings);
        assert_eq!(policies.of(b"cart:tmp:1").conflict, Conflict::Lww);
        assert_eq!(policies.of(b"other"), Policy::default());
        assert!(policies.remove(b"cart:") && !policies.remove(b"cart:"));
    }
}
