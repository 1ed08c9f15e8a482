//! A database for each test, copied from one that was migrated once.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A database that is dropped with its test.
pub struct TestDatabase {
    /// Its name on the server.
    name: String,
    server: String,
}

impl TestDatabase {
    /// Copies the template, which the first test of a run makes.
    pub async fn create() -> Self {
        let server = std::env::var("DATABASE_URL")
            .expect("DATABASE_URL names a server for tests: run them by `make test`");
        let template = template_name();
        let mut conn = PgConnection::connect(&server)
            .await
            .expect("the test server answers");
        make_template(&mut conn, &server, &template).await;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("kith_test_{}_{number}", std::process::id());
        execute(
            &mut conn,
            format!("drop database if exists {name} with (force)"),
        )
        .await;
        execute(
            &mut conn,
            // Copied as files, half the time and work of copying through the log.
            format!("create database {name} template {template} strategy file_copy"),
        )
        .await;
        Self { name, server }
    }

    /// Its name on the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The URL of this database.
    pub fn url(&self) -> String {
        with_database(&self.server, &self.name)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // A failed test leaves its database for somebody to look at.
        if std::thread::panicking() {
            return;
        }
        let (server, name) = (self.server.clone(), self.name.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.expect("a runtime").block_on(async {
                let mut conn = PgConnection::connect(&server)
                    .await
                    .expect("the server answers");
                execute(
                    &mut conn,
                    format!("drop database if exists {name} with (force)"),
                )
                .await;
            });
        });
        dropping.join().expect("the database is dropped");
    }
}

async fn execute(conn: &mut PgConnection, sql: String) {
    conn.execute(AssertSqlSafe(sql))
        .await
        .expect("the statement runs");
}

/// Named after the migrations, so that a changed schema gets a new template.
fn template_name() -> String {
    let mut sum: u64 = 14_695_981_039_346_656_037;
    for migration in kith::infra::db::MIGRATOR.iter() {
        for byte in migration.checksum.iter() {
            sum = (sum ^ u64::from(*byte)).wrapping_mul(1_099_511_628_211);
        }
    }
    format!("kith_template_{sum:016x}")
}

async fn make_template(conn: &mut PgConnection, server: &str, template: &str) {
    // One process at a time: the others find it made.
    execute(conn, "select pg_advisory_lock(7310)".to_owned()).await;
    let made: bool = sqlx::query_scalar(
        "select exists (select from pg_database where datname = $1 and datistemplate)",
    )
    .bind(template)
    .fetch_one(&mut *conn)
    .await
    .expect("the catalogue answers");
    if !made {
        execute(
            conn,
            format!("drop database if exists {template} with (force)"),
        )
        .await;
        execute(conn, format!("create database {template}")).await;
        kith::infra::db::migrate(&with_database(server, template))
            .await
            .expect("migrations run");
        execute(
            conn,
            format!("alter database {template} with is_template true allow_connections false"),
        )
        .await;
    }
    execute(conn, "select pg_advisory_unlock(7310)".to_owned()).await;
}

fn with_database(server: &str, name: &str) -> String {
    let mut url = reqwest::Url::parse(server).expect("DATABASE_URL is a URL");
    url.set_path(name);
    url.to_string()
}
