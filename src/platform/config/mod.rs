//! Configuration: what can be set, where values come from, and the typed result. Everything that is
//! wrong is told at once, and nothing that is printed holds a secret.

mod dev_keys;
mod files;
mod keys;
mod load;
mod network;
mod origin;
mod problem;
mod reader;
mod redact;
mod report;
mod settings;
mod sources;
mod values;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use keys::{JwtKey, JwtKeys, SecretKey};
pub use network::{Network, NetworkError};
pub use problem::{ConfigErrors, Fault, Problem};
pub use report::{Row, render_env_example, render_markdown};
pub use settings::{Fallback, GROUPS, Secrecy, Setting};
pub use sources::{Source, Sources};
pub use values::{
    CacheMode, DatabaseSource, Env, LogFormat, Registration, Role, SecretUrl, duration,
};

use reader::Reader;

/// All settings, read and checked. `docs/configuration.md` explains each of them.
#[derive(Debug, Clone)]
pub struct Config {
    /// The profile.
    pub env: Env,
    /// Where private state lives.
    pub dir: PathBuf,
    /// What this process does; never empty.
    pub roles: Vec<Role>,
    /// The database.
    pub database: DatabaseSource,
    /// The database as a role that may change the schema, if that is another one.
    pub database_migrate_url: Option<SecretUrl>,
    /// The database as it is to be listened to, if that is another address.
    pub database_listen_url: Option<SecretUrl>,
    /// Redis, if there is one.
    pub redis_url: Option<SecretUrl>,
    /// What was set as the beginning of every key and channel in Redis: see [`Config::redis_namespace`].
    redis_prefix: String,
    /// The address to serve the API on; port 0 is a free one.
    pub addr: SocketAddr,
    /// The address to serve metrics on; port 0 is a free one.
    pub ops_addr: SocketAddr,
    /// What was set as this API's URL: see [`Config::public_url`].
    pub public_url: Option<String>,
    /// What was set as the frontend's URL: see [`Config::web_url`].
    pub web_url: Option<String>,
    /// The origins whose pages may call the API.
    pub allowed_origins: Vec<String>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Whether people who aren't signed in may read what is public.
    pub public_read: bool,
    /// Who may register.
    pub registration: Registration,
    /// The keys of access tokens.
    pub jwt_keys: JwtKeys,
    /// The root of derived keys.
    pub secret_key: SecretKey,
    /// What reads may come from the cache.
    pub cache: CacheMode,
    /// Whether the cache is filled ahead of requests.
    pub warming: bool,
    /// Whether requests are limited.
    pub limits: bool,
    /// A file that overrides the figures of the limits.
    pub limits_file: Option<PathBuf>,
    /// How many connections to Postgres may be open.
    pub db_pool: u32,
    /// After what time Postgres gives up on a statement.
    pub statement_timeout: Duration,
    /// How much memory the cache in the process may take.
    pub l1_bytes: u64,
    /// How often a sample of the answers from the process is compared with Postgres.
    pub cache_check: Duration,
    /// How long a timeline of the home feed stays after it was last read.
    pub feed_timeline: Duration,
    /// Authors with more friends and followers than this are not pushed.
    pub feed_pull_above: u32,
    /// How often an idle socket is asked for a sign of life.
    pub live_beat: Duration,
    /// How long a sign of life is waited for.
    pub live_pong: Duration,
    /// How many sockets are kept open at most.
    pub max_sockets: u32,
    /// How many sockets are opened in a second at most.
    pub connect_rate: u32,
    /// How long requests in progress may take to finish at the end.
    pub shutdown_grace: Duration,
    /// The server that takes mail; without it, mail is written to `mail_dir`.
    pub smtp_url: Option<SecretUrl>,
    /// The sender of mail.
    pub mail_from: String,
    /// Where mail is written.
    pub mail_dir: PathBuf,
    /// How long a notification waits before it goes to devices.
    pub push_hold: Duration,
    /// Whether devices may be pushed to in private networks.
    pub push_private: bool,
    /// The name of this process.
    pub instance: String,
    /// The filter of the log.
    pub log: String,
    /// How the log is written.
    pub log_format: LogFormat,
    /// Where traces are sent, if anywhere.
    pub otlp_endpoint: Option<SecretUrl>,
    /// What has no effect or may surprise, to be logged at the start.
    pub warnings: Vec<String>,
    rows: Vec<Row>,
}

impl Config {
    /// Reads every setting, or tells everything that is wrong. In the dev profile, keys that are
    /// not set are made and kept under `KITH_DIR`.
    pub fn load(sources: &Sources) -> Result<Self, ConfigErrors> {
        Self::load_and(sources, |_config| Vec::new())
    }

    /// The same with what `look` finds wrong, such as in a file that a setting names.
    pub fn load_and(
        sources: &Sources,
        look: impl FnOnce(&Self) -> Vec<Problem>,
    ) -> Result<Self, ConfigErrors> {
        let mut reader = Reader::new(sources::gather(sources));
        let config = Self::read(&mut reader, sources);
        reader.add(look(&config));
        let rows = reader.finish()?;
        Ok(Self {
            warnings: reader.warnings,
            rows,
            ..config
        })
    }

    /// Every setting that there is, with the value in effect and where it came from.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Whether the profile is production.
    pub fn is_production(&self) -> bool {
        self.env == Env::Production
    }

    /// What every key and channel in Redis begins with: the prefix and the profile, so that no other profile
    /// takes what it finds there for its own.
    pub fn redis_namespace(&self) -> String {
        format!("{}:{}", self.redis_prefix, self.env.as_str())
    }

    /// Whether this process has that part.
    pub fn has_role(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// The URL at which clients reach this API, which is served on `bound`; without a slash at
    /// its end.
    pub fn public_url(&self, bound: SocketAddr) -> String {
        self.public_url.clone().unwrap_or_else(|| local_url(bound))
    }

    /// The URL of the frontend, without a slash at its end. Without a frontend it is the API's,
    /// which serves plain pages.
    pub fn web_url(&self, bound: SocketAddr) -> String {
        self.web_url
            .clone()
            .unwrap_or_else(|| self.public_url(bound))
    }
}

/// A URL for people on this machine; all interfaces together have no address to go to.
fn local_url(mut bound: SocketAddr) -> String {
    if bound.ip().is_unspecified() {
        bound.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    format!("http://{bound}")
}
