//! The settings one by one: how each is read, what holds without it, and which of them don't go
//! together.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use super::dev_keys::DevKeys;
use super::reader::Reader;
use super::sources::{Source, Sources};
use super::{
    CacheMode, Config, DatabaseSource, Env, Fault, JwtKeys, LogFormat, Network, Registration,
    SecretKey, local_url, origin, values,
};

/// Stands in for an address that couldn't be read, in a configuration that is then thrown away.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
const DEV_HOSTS: [&str; 2] = ["localhost", "127.0.0.1"];
const DEV_PORTS: [u16; 9] = [3000, 3001, 4173, 4200, 5173, 5174, 8080, 8081, 19006];
/// Of apps that run in a shell on a device.
const DEV_SHELLS: [&str; 3] = [
    "http://localhost",
    "https://localhost",
    "capacitor://localhost",
];

impl Config {
    /// Reads everything. What can't be read is a problem that the reader keeps, and some other
    /// value takes its place, so that the next setting can be read too.
    #[expect(clippy::too_many_lines, reason = "it is a table: some lines a setting")]
    pub(super) fn read(reader: &mut Reader, sources: &Sources) -> Self {
        // The profile and the directory come first: they decide whether keys are made, and where.
        let env = reader
            .get("KITH_ENV", values::word)
            .unwrap_or(Env::Production);
        // Which file that is was settled before it was read; its row shows it.
        reader.text("KITH_CONFIG");
        let dir = sources.path(&reader.text("KITH_DIR").unwrap_or_default());
        let (jwt_keys, secret_key) = read_keys(reader, sources, &dir);
        let addr = reader.get("KITH_ADDR", values::address).unwrap_or(NOWHERE);
        let public_url = reader.get("KITH_PUBLIC_URL", values::site);
        let web_url = reader.get("KITH_WEB_URL", values::site);
        let config = Self {
            env,
            roles: reader.get("KITH_ROLES", values::roles).unwrap_or_default(),
            database: match reader.get("DATABASE_URL", values::postgres_url) {
                Some(url) => DatabaseSource::Url(url),
                None => DatabaseSource::Embedded,
            },
            database_migrate_url: reader.get("DATABASE_MIGRATE_URL", values::postgres_url),
            database_listen_url: reader.get("DATABASE_LISTEN_URL", values::postgres_url),
            redis_url: reader.get("REDIS_URL", values::redis_url),
            redis_prefix: reader
                .get("KITH_REDIS_PREFIX", values::name)
                .unwrap_or_default(),
            addr,
            ops_addr: reader
                .get("KITH_OPS_ADDR", values::address)
                .unwrap_or(NOWHERE),
            allowed_origins: read_origins(reader, web_url.as_deref().or(public_url.as_deref())),
            public_url,
            web_url,
            trusted_proxies: reader
                .get("KITH_TRUSTED_PROXIES", values::networks)
                .unwrap_or_default(),
            public_read: reader
                .get("KITH_PUBLIC_READ", values::switch)
                .unwrap_or(false),
            registration: reader
                .get("KITH_REGISTRATION", values::word)
                .unwrap_or(Registration::Closed),
            jwt_keys,
            secret_key,
            cache: reader
                .get("KITH_CACHE", values::word)
                .unwrap_or(CacheMode::On),
            warming: reader.get("KITH_WARMING", values::switch).unwrap_or(true),
            limits: reader.get("KITH_LIMITS", values::switch).unwrap_or(true),
            limits_file: reader
                .text("KITH_LIMITS_FILE")
                .map(|path| sources.path(&path)),
            db_pool: reader
                .get("KITH_DB_POOL", |text| values::count(text, 1_000))
                .unwrap_or_else(|| sources.cores.saturating_mul(8).clamp(16, 64)),
            statement_timeout: reader
                .get("KITH_STATEMENT_TIMEOUT", values::duration)
                .unwrap_or_default(),
            l1_bytes: reader
                .get("KITH_L1_BYTES", values::byte_count)
                .unwrap_or_default(),
            cache_check: reader
                .get("KITH_CACHE_CHECK", values::duration)
                .unwrap_or_default(),
            feed_timeline: reader
                .get("KITH_FEED_TIMELINE", values::duration)
                .unwrap_or_default(),
            feed_pull_above: reader
                .get("KITH_FEED_PULL_ABOVE", |text| {
                    values::count(text, 1_000_000_000)
                })
                .unwrap_or_default(),
            live_beat: reader
                .get("KITH_LIVE_BEAT", values::duration)
                .unwrap_or_default(),
            live_pong: reader
                .get("KITH_LIVE_PONG", values::duration)
                .unwrap_or_default(),
            max_sockets: reader
                .get("KITH_MAX_SOCKETS", |text| values::count(text, 10_000_000))
                .unwrap_or_default(),
            connect_rate: reader
                .get("KITH_CONNECT_RATE", |text| values::count(text, 1_000_000))
                .unwrap_or_default(),
            shutdown_grace: reader
                .get("KITH_SHUTDOWN_GRACE", values::duration)
                .unwrap_or_default(),
            smtp_url: reader.get("KITH_SMTP_URL", values::smtp_url),
            mail_from: reader
                .get("KITH_MAIL_FROM", values::mailbox)
                .unwrap_or_default(),
            mail_dir: match reader.text("KITH_MAIL_DIR") {
                Some(path) => sources.path(&path),
                None => dir.join("mail"),
            },
            push_hold: reader
                .get("KITH_PUSH_HOLD", values::duration)
                .unwrap_or_default(),
            push_private: reader
                .get("KITH_PUSH_PRIVATE", values::switch)
                .unwrap_or(false),
            dir,
            instance: reader
                .get("KITH_INSTANCE", values::name)
                .unwrap_or_else(|| short_name(sources)),
            log: reader
                .get("KITH_LOG", values::log_filter)
                .unwrap_or_default(),
            log_format: reader
                .get("KITH_LOG_FORMAT", values::word)
                .unwrap_or(LogFormat::Json),
            otlp_endpoint: reader.get("OTEL_EXPORTER_OTLP_ENDPOINT", values::otlp_url),
            warnings: Vec::new(),
            rows: Vec::new(),
        };
        config.check(reader);
        config.tell_defaults(reader);
        config
    }

    /// Looks at settings that only together are right or wrong.
    fn check(&self, reader: &mut Reader) {
        if self.addr == self.ops_addr && self.addr.port() != 0 {
            let what = "is the address that KITH_ADDR has too";
            reader.problem(
                "KITH_OPS_ADDR",
                Fault::new(what, "Give it a port of its own."),
            );
        }
        let mut warn = |applies: bool, text: &str| {
            if applies {
                reader.warnings.push(text.to_owned());
            }
        };
        warn(
            self.trusted_proxies.iter().any(Network::is_everything),
            "KITH_TRUSTED_PROXIES trusts everyone, so anyone can pretend to have any address.",
        );
        let production = self.is_production();
        let is_behind_tls = |url: &String| url.starts_with("https://");
        warn(
            !production && self.public_url.as_ref().is_some_and(is_behind_tls),
            "KITH_PUBLIC_URL begins with https:// and the profile is dev, which is not for the public: set \
             KITH_ENV=production in front of people.",
        );
        warn(
            production && self.public_url.is_none(),
            "KITH_PUBLIC_URL is not set: links will name the address that kith listens on.",
        );
        warn(
            production && matches!(self.database, DatabaseSource::Embedded),
            "DATABASE_URL is not set: everything is kept in the embedded Postgres on this machine.",
        );
        warn(
            production && self.smtp_url.is_none(),
            "KITH_SMTP_URL is not set: mail is written to files and reaches nobody.",
        );
        let sender_is_default = self.mail_from.ends_with("@localhost>");
        warn(
            self.smtp_url.is_some() && sender_is_default,
            "KITH_MAIL_FROM has its default, which mail servers on the Internet don't accept.",
        );
    }

    /// Tells what holds where a default was worked out.
    fn tell_defaults(&self, reader: &mut Reader) {
        let local = local_url(self.addr);
        let public = self.public_url.clone().unwrap_or(local);
        let defaults = [
            ("KITH_WEB_URL", public.clone()),
            ("KITH_PUBLIC_URL", public),
            ("KITH_ALLOWED_ORIGINS", self.allowed_origins.join(",")),
            ("KITH_DB_POOL", self.db_pool.to_string()),
            ("KITH_MAIL_DIR", self.mail_dir.display().to_string()),
            ("KITH_INSTANCE", self.instance.clone()),
        ];
        for (name, value) in defaults {
            reader.computed(name, value, Source::Default);
        }
    }
}

/// The keys that were set; in dev, those that were not are made and kept.
fn read_keys(reader: &mut Reader, sources: &Sources, dir: &Path) -> (JwtKeys, SecretKey) {
    const NAMES: [&str; 2] = ["KITH_JWT_KEYS", "KITH_SECRET_KEY"];
    let production = reader.env == Env::Production;
    let jwt_keys = reader.get("KITH_JWT_KEYS", |text| {
        let keys = JwtKeys::parse(text)?;
        keys.weakness().filter(|_| production).map_or(Ok(keys), Err)
    });
    let secret_key = reader.get("KITH_SECRET_KEY", |text| {
        let key = SecretKey::parse(text)?;
        key.weakness().filter(|_| production).map_or(Ok(key), Err)
    });
    let unset: Vec<&'static str> = NAMES
        .into_iter()
        .filter(|name| !reader.is_set(name))
        .collect();
    let mut made = None;
    if production {
        for name in unset {
            let fix = format!("Set it, or {name}_FILE. See docs/configuration.md.");
            reader.problem(
                name,
                Fault::new("is not set, and production makes no keys", fix),
            );
        }
    } else if !unset.is_empty() && !reader.has_problems() {
        let keeps = sources.has_dir() || reader.is_set("KITH_DIR");
        let path = dir.join("keys");
        for name in &unset {
            let source = if keeps {
                Source::Made(path.clone())
            } else {
                Source::Default
            };
            reader.computed(name, "made", source);
        }
        if keeps {
            match DevKeys::open(&path, &sources.ids) {
                Ok(keys) => made = Some(keys),
                Err(fault) => unset
                    .iter()
                    .for_each(|name| reader.problem(name, fault.clone())),
            }
        }
    }
    // Kept nowhere: for tests, and to go on looking for problems.
    let made = made.unwrap_or_else(|| DevKeys::make(&sources.ids));
    (
        jwt_keys.unwrap_or(made.jwt_keys),
        secret_key.unwrap_or(made.secret_key),
    )
}

fn read_origins(reader: &mut Reader, web_url: Option<&str>) -> Vec<String> {
    let given = reader.get("KITH_ALLOWED_ORIGINS", |text| {
        values::list(text, origin::origin)
    });
    if let Some(origins) = given {
        return origins;
    }
    let of_the_frontend = web_url.map(|url| origin::origin_of(url).to_lowercase());
    let mut origins: Vec<String> = of_the_frontend.into_iter().collect();
    if reader.env == Env::Dev {
        for host in DEV_HOSTS {
            let of_host = DEV_PORTS.iter().map(|port| format!("http://{host}:{port}"));
            origins.extend(of_host.filter(|origin| web_url != Some(origin.as_str())));
        }
        let shells = DEV_SHELLS.iter().map(|origin| (*origin).to_owned());
        origins.extend(shells.filter(|origin| web_url != Some(origin.as_str())));
    }
    origins
}

fn short_name(sources: &Sources) -> String {
    format!("{:08x}", u32::from_be_bytes(sources.ids.bytes()))
}
