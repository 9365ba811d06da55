//! Membership: who belongs to the cluster, spread by gossip, and who seems to be down, judged alone.
