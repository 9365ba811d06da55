//! Peers: frames between nodes, the challenge before anything is parsed, and the links they travel on.
