//! The server: INFO, CONFIG, COMMAND, and what an administrator does.

mod config;
mod info;
mod introspect;
mod memory;
mod node;
mod slow;
mod table_about;
mod table_admin;

pub(super) use node::check_cluster;
pub(super) use table_about::COMMANDS as ABOUT;
pub(super) use table_admin::COMMANDS as ADMIN;

#[cfg(test)]
mod tests;
