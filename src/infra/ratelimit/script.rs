//! The same count in Lua, for several processes that count together.

use crate::infra::redis::Script;

/// [`LUA_TAKE`], by its hash.
pub(super) static TAKE: Script =
    Script::new(|| redis::Script::new(&format!("{LUA_LIMIT}{LUA_TAKE}")));

/// The scripts that a connection must have loaded.
pub const SCRIPTS: &[&Script] = &[&TAKE];

/// A local function `limit(keys, args, now_micros)` for a script to be made with. `args` holds two
/// numbers a key: quota, and window in milliseconds. It answers with a list a key: whether the policy
/// allows the call (1 or 0), how many more would pass, milliseconds until more would, and the
/// sub-window that was charged. All keys are charged or none. A key is a hash of sub-windows with a
/// lifetime that is set in the same step.
pub const LUA_LIMIT: &str = include_str!("limit.lua");

/// A script by itself: [`LUA_LIMIT`] over its keys and arguments, by the server's clock.
pub const LUA_TAKE: &str = include_str!("take.lua");

/// A script that takes back one call a key, in the sub-window that `ARGV` names for it.
pub const LUA_GIVE_BACK: &str = include_str!("give_back.lua");
