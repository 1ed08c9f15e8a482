//! The table of all settings. Reading, `kith config`, `.env.example` and the documentation are all
//! made from it.

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The environment variable; `kith.toml` has the same name in lower case.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub doc: &'static str,
    /// What holds when it is not set.
    pub default: Fallback,
    /// How much of its value may be shown.
    pub secrecy: Secrecy,
    /// Values that the production profile refuses.
    pub refused: &'static [&'static str],
    /// A value to show in examples where there is no default to show.
    pub example: &'static str,
}

/// What holds when a setting is not set.
#[derive(Debug, Clone, Copy)]
pub enum Fallback {
    /// Nothing, or something worked out while loading: in words.
    Words(&'static str),
    /// The same value in every profile.
    Value(&'static str),
    /// One value in dev and another in production.
    PerProfile {
        /// In the dev profile.
        dev: &'static str,
        /// In production.
        production: &'static str,
    },
}

/// How much of a setting's value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// All of it.
    Open,
    /// A URL without its password. May also come from the file that `NAME_FILE` names.
    Url,
    /// Nothing. May also come from the file that `NAME_FILE` names.
    Secret,
}

impl Setting {
    const fn new(name: &'static str, default: Fallback, doc: &'static str) -> Self {
        Self {
            name,
            doc,
            default,
            secrecy: Secrecy::Open,
            refused: &[],
            example: "",
        }
    }
    const fn fixed(name: &'static str, value: &'static str, doc: &'static str) -> Self {
        Self::new(name, Fallback::Value(value), doc)
    }
    const fn words(name: &'static str, words: &'static str, doc: &'static str) -> Self {
        Self::new(name, Fallback::Words(words), doc)
    }
    const fn kept(mut self, secrecy: Secrecy) -> Self {
        self.secrecy = secrecy;
        self
    }
    const fn refused(mut self, values: &'static [&'static str]) -> Self {
        self.refused = values;
        self
    }
    const fn example(mut self, value: &'static str) -> Self {
        self.example = value;
        self
    }

    /// The value that holds by default, where it is a fixed one.
    pub const fn default_value(&self, production: bool) -> Option<&'static str> {
        match self.default {
            Fallback::Words(_) => None,
            Fallback::Value(value) => Some(value),
            Fallback::PerProfile {
                production: value, ..
            } if production => Some(value),
            Fallback::PerProfile { dev, .. } => Some(dev),
        }
    }

    /// Whether `NAME_FILE` may name a file that holds the value.
    pub fn may_be_in_a_file(&self) -> bool {
        self.secrecy != Secrecy::Open
    }
}

/// Finds a setting by its name in upper case.
pub fn find(name: &str) -> Option<&'static Setting> {
    all().find(|setting| setting.name == name)
}

/// Every setting, in the order of the documentation.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    GROUPS.iter().flat_map(|(_, settings)| settings.iter())
}

/// The settings under their headings.
pub const GROUPS: &[(&str, &[Setting])] = &[
    ("Profile and files", PROFILE),
    ("Postgres and Redis", STORES),
    ("Addresses", ADDRESSES),
    ("Who may do what", ACCESS),
    ("Keys", KEYS),
    ("Switches and bounds", BOUNDS),
    ("Mail and push", MAIL),
    ("Watching it run", WATCHING),
];

const PROFILE: &[Setting] = &[
    Setting::fixed(
        "KITH_ENV",
        "dev",
        "The profile: `dev` or `production`. Production refuses weak or missing keys and some \
         switches, and doesn't read `.env`, where the profile can't be chosen.",
    ),
    Setting::words(
        "KITH_CONFIG",
        "`kith.toml` in the working directory, if there is one",
        "The path of the settings file. Set in the environment only.",
    )
    .example("/etc/kith/kith.toml"),
    Setting::fixed(
        "KITH_DIR",
        ".kith",
        "The directory of private state: the embedded Postgres, the keys of the dev profile, \
         mail that was written to files.",
    ),
    Setting::fixed(
        "KITH_ROLES",
        "web,gateway,worker",
        "What this process does: a list of `web`, `gateway` and `worker`.",
    ),
];

const STORES: &[Setting] = &[
    Setting::words(
        "DATABASE_URL",
        "an embedded Postgres under `KITH_DIR`",
        "The Postgres that holds everything.",
    )
    .kept(Secrecy::Url)
    .example("postgres://kith:password@localhost/kith"),
    Setting::words(
        "DATABASE_MIGRATE_URL",
        "`DATABASE_URL`",
        "The same database as a role that may change the schema, for migrations.",
    )
    .kept(Secrecy::Url)
    .example("postgres://kith_owner:password@localhost/kith"),
    Setting::words(
        "DATABASE_LISTEN_URL",
        "`DATABASE_URL`",
        "The same database, for listening.",
    )
    .kept(Secrecy::Url)
    .example("postgres://kith:password@localhost:5432/kith"),
    Setting::words(
        "REDIS_URL",
        "none: every process caches and counts limits by itself",
        "The Redis shared by all instances: `redis://`, `rediss://`, `redis+unix://`, or `redis+sentinel://HOST:PORT,HOST:PORT/NAME`.",
    )
    .kept(Secrecy::Url)
    .example("redis://localhost:6379"),
    Setting::fixed(
        "KITH_REDIS_PREFIX",
        "kith",
        "The beginning of every key in Redis; the profile follows it.",
    ),
];

const ADDRESSES: &[Setting] = &[
    Setting::fixed(
        "KITH_ADDR",
        "127.0.0.1:8080",
        "The address that serves the API. Port 0 picks a free port.",
    ),
    Setting::fixed(
        "KITH_OPS_ADDR",
        "127.0.0.1:9090",
        "The address that serves metrics. Port 0 picks a free port.",
    ),
    Setting::words(
        "KITH_PUBLIC_URL",
        "`http://` and the address that is served",
        "The URL at which clients reach this API.",
    )
    .example("https://api.example.org"),
    Setting::words(
        "KITH_WEB_URL",
        "`KITH_PUBLIC_URL`",
        "The frontend that `url` fields and links in mail point at.",
    )
    .example("https://example.org"),
];

const ACCESS: &[Setting] = &[
    Setting::words(
        "KITH_ALLOWED_ORIGINS",
        "the origin of `KITH_WEB_URL`; in dev also `http://localhost` and `http://127.0.0.1` on \
         ports 3000, 3001, 4173, 4200, 5173, 5174, 8080, 8081 and 19006, `http://localhost`, \
         `https://localhost` and `capacitor://localhost`",
        "The origins whose pages may call the API and open sockets: a list of `scheme://host` or \
         `scheme://host:port`, those of apps in a shell among them.",
    )
    .example("https://example.org,capacitor://localhost"),
    Setting::words(
        "KITH_TRUSTED_PROXIES",
        "none",
        "The addresses and networks whose `X-Forwarded-For` is believed: a list.",
    )
    .example("10.0.0.0/8,192.168.1.4"),
    Setting::fixed(
        "KITH_PUBLIC_READ",
        "on",
        "Whether people who aren't signed in may read what is public: `on` or `off`.",
    ),
    Setting::fixed(
        "KITH_REGISTRATION",
        "open",
        "Who may register: `open`, `invite` or `closed`.",
    ),
];

const KEYS: &[Setting] = &[
    Setting::words(
        "KITH_JWT_KEYS",
        "made once under `KITH_DIR` in dev; required in production",
        "The keys of access tokens: a list of `kid:secret`. The first signs and all verify. In \
         production a secret has 32 random bytes or more.",
    )
    .kept(Secrecy::Secret)
    .example("2026a:<output of `openssl rand -base64 32`>"),
    Setting::words(
        "KITH_SECRET_KEY",
        "made once under `KITH_DIR` in dev; required in production",
        "The root from which the other keys are derived, 32 random bytes or more in production; \
         `new,old` while it is being changed. Push subscriptions that were made under a root that is \
         no longer listed are deleted.",
    )
    .kept(Secrecy::Secret)
    .example("<output of `openssl rand -base64 32`>"),
];

const BOUNDS: &[Setting] = &[
    Setting::fixed(
        "KITH_CACHE",
        "on",
        "What reads may come from the cache: `on`, `local` (in this process only) or `off`.",
    )
    .refused(&["off"]),
    Setting::fixed(
        "KITH_LIMITS",
        "on",
        "Whether requests are limited: `on`, or `off` for load tests.",
    )
    .refused(&["off"]),
    Setting::words(
        "KITH_LIMITS_FILE",
        "none",
        "A TOML file that overrides figures of the limits: a table for each, such as `[post]` with `quota = 60` and `window = \"5m\"`. `kith limits show` lists them.",
    )
    .example("limits.toml"),
    Setting::words(
        "KITH_DB_POOL",
        "eight for each core, but no fewer than 16 and no more than 64",
        "How many connections to Postgres this process may open.",
    )
    .example("16"),
    Setting::fixed(
        "KITH_STATEMENT_TIMEOUT",
        "5s",
        "After what time Postgres gives up on a statement, as `5s` or `250ms`.",
    ),
    Setting::fixed(
        "KITH_L1_BYTES",
        "256MiB",
        "How much memory the cache in the process may take, roughly, as `256MiB`.",
    ),
    Setting::fixed(
        "KITH_CACHE_CHECK",
        "30s",
        "How often a sample of what this process answers with from its memory is compared with Postgres.",
    ),
    Setting::fixed(
        "KITH_WARMING",
        "on",
        "Whether the cache is filled ahead of requests, at the start, every half hour and for whoever signs in: `on` or `off`. On demand it always is.",
    ),
    Setting::fixed(
        "KITH_FEED_TIMELINE",
        "168h",
        "How long the timeline of a home feed stays in Redis after it was last read. Posts are put \
         into the timelines of people who have looked at their feed within this time.",
    ),
    Setting::fixed(
        "KITH_FEED_PULL_ABOVE",
        "5000",
        "Posts by authors with more friends and followers than this are fetched when a feed is \
         read, instead of being put into every timeline. Such an author stays one.",
    ),
    Setting::fixed(
        "KITH_LIVE_BEAT",
        "25s",
        "How often an idle socket is asked for a sign of life. Other intervals of what is told live are in proportion to it.",
    ),
    Setting::fixed(
        "KITH_LIVE_PONG",
        "10s",
        "How long kith waits for that sign of life before it takes the client for gone.",
    ),
    Setting::fixed(
        "KITH_MAX_SOCKETS",
        "10000",
        "How many sockets this process keeps open at most.",
    ),
    Setting::fixed(
        "KITH_CONNECT_RATE",
        "2000",
        "How many sockets and streams of events this process opens in a second, at most. Whoever comes \
         beyond that is told when to come back. `KITH_LIMITS=off` lifts it.",
    ),
    Setting::fixed(
        "KITH_SHUTDOWN_GRACE",
        "10s",
        "How long requests in progress may take to finish when kith stops.",
    ),
];

const MAIL: &[Setting] = &[
    Setting::words(
        "KITH_SMTP_URL",
        "none: mail is written to files",
        "The server that takes outgoing mail: `smtps://` (TLS), `smtp://HOST:587?tls=required` (STARTTLS) or `smtp://` (without TLS).",
    )
    .kept(Secrecy::Url)
    .example("smtps://user:password@mail.example.org"),
    Setting::fixed(
        "KITH_MAIL_FROM",
        "kith <kith@localhost>",
        "The sender of mail.",
    ),
    Setting::words(
        "KITH_MAIL_DIR",
        "`mail` under `KITH_DIR`",
        "Where mail is written when there is no server for it.",
    )
    .example("/var/spool/kith"),
    Setting::fixed(
        "KITH_PUSH_HOLD",
        "5s",
        "How long a notification waits before it goes to devices, so that whoever reads it elsewhere \
         isn't disturbed. What somebody says to a person waits two fifths of it, mail sixty times.",
    ),
    Setting::fixed(
        "KITH_PUSH_PRIVATE",
        "off",
        "Whether devices may be pushed to over plain HTTP and in private networks: `off`, or `on` \
         for tests.",
    )
    .refused(&["on"]),
];

const WATCHING: &[Setting] = &[
    Setting::words(
        "KITH_INSTANCE",
        "random",
        "The name of this process in `GET /v1/admin/realtime` and in messages between instances; \
         not in logs and metrics.",
    )
    .example("kith-1"),
    Setting::fixed(
        "KITH_LOG",
        "info",
        "What is logged: a level, or a filter as `info,sqlx=warn`.",
    ),
    Setting::new(
        "KITH_LOG_FORMAT",
        Fallback::PerProfile {
            dev: "text",
            production: "json",
        },
        "How the log is written: `text` or `json`.",
    ),
    Setting::words(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "none: no traces are sent",
        "Where traces are sent by OTLP over HTTP.",
    )
    .kept(Secrecy::Url)
    .example("http://localhost:4318"),
];
