//! The cluster as a worker drives it: routing, replication, reads that ask others, forwarded commands.
