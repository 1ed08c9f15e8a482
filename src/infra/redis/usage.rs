//! How full the server is that this process works with: what administrators are shown while it runs.

use redis::Pipeline;

use super::info::field;
use super::{Away, PATIENT, Redis};

/// How full a server is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Its version.
    pub version: String,
    /// Bytes in use.
    pub used_memory: u64,
    /// Bytes that it may use; zero: as many as it gets.
    pub max_memory: u64,
    /// What it drops when they are used up.
    pub policy: String,
    /// Keys that it has dropped for want of room.
    pub evicted_keys: u64,
    /// Keys that have ended by their lifetime.
    pub expired_keys: u64,
    /// Connections of clients.
    pub clients: u64,
    /// Keys that there are, whoever's.
    pub keys: u64,
    /// Seconds since it was started.
    pub uptime_seconds: u64,
}

impl Redis {
    /// Asks the server how full it is.
    pub async fn usage(&self) -> Result<Usage, Away> {
        let mut pipe = Pipeline::new();
        pipe.cmd("INFO").cmd("DBSIZE");
        let (text, keys): (String, u64) = self.query_within(&pipe, PATIENT).await?;
        Ok(Usage::read(&text, keys))
    }
}

impl Usage {
    fn read(text: &str, keys: u64) -> Self {
        let word = |name: &str| field(text, name).to_owned();
        let number = |name: &str| word(name).parse().unwrap_or_default();
        Self {
            version: word("redis_version"),
            used_memory: number("used_memory"),
            max_memory: number("maxmemory"),
            policy: word("maxmemory_policy"),
            evicted_keys: number("evicted_keys"),
            expired_keys: number("expired_keys"),
            clients: number("connected_clients"),
            keys,
            uptime_seconds: number("uptime_in_seconds"),
        }
    }

    /// What an operator should change, in words.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.max_memory == 0 {
            warnings
                .push("Redis has no maxmemory: it may take all the memory there is.".to_owned());
        } else if self.used_memory.saturating_mul(5) >= self.max_memory.saturating_mul(4) {
            let (used, max) = (self.used_memory, self.max_memory);
            warnings.push(format!(
                "Redis uses {used} of {max} bytes, 80 % or more of maxmemory."
            ));
        }
        let policies = ["allkeys-lfu", "allkeys-lru", "volatile-lfu", "volatile-lru"];
        if !policies.contains(&self.policy.as_str()) {
            warnings.push(format!(
                "Redis' maxmemory-policy is {}: set allkeys-lfu, so that a full Redis drops what is used least.",
                self.policy
            ));
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_warned_of_before_it_is_full() {
        let told = "# Memory\r\nused_memory:799\r\nused_memory_rss:5000\r\nmaxmemory:1000\r\n\
                    maxmemory_policy:allkeys-lfu\r\nconnected_clients:3\r\n";
        let mut usage = Usage::read(told, 7);
        assert_eq!((usage.used_memory, usage.max_memory), (799, 1_000));
        assert_eq!((usage.clients, usage.keys), (3, 7));
        assert_eq!(usage.warnings(), Vec::<String>::new());
        usage.used_memory = 800;
        assert_eq!(usage.warnings().len(), 1);
        usage.policy = "noeviction".to_owned();
        assert_eq!(usage.warnings().len(), 2);
        usage.max_memory = 0;
        assert_eq!(usage.warnings().len(), 2);
    }
}
