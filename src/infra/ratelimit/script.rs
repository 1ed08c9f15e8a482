//! The same count in Lua, for several processes that count together.

use crate::infra::redis::Script;

/// [`LUA_TAKE`], by its hash.
pub(super) static TAKE: Script =
    Script::new(|| redis::Script::new(&format!("{LUA_LIMIT}{LUA_TAKE}")));

/// The scripts that a connection must have loaded.
pub const SCRIPTS: &[&Script] = &[&TAKE];

/// A local function for a script to be made with; it says itself what it takes and answers with.
pub const LUA_LIMIT: &str = include_str!("limit.lua");

/// A script by itself: [`LUA_LIMIT`] over its keys and arguments, by the server's clock.
pub const LUA_TAKE: &str = include_str!("take.lua");

/// A script that takes back one call a key, in the sub-window that `ARGV` names for it.
pub const LUA_GIVE_BACK: &str = include_str!("give_back.lua");
