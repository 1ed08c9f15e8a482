//! `kith serve`: from the settings to the last answer.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use anyhow::anyhow;
use kith::app::{Application, Injected};
use kith::platform::config::Config;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::exit::Exit;
use super::tool::{Database, load_config};
use super::{causes, log, open_files, out, schema, signals};

/// Between two looks at whether the server answers.
const PAUSE: Duration = Duration::from_millis(20);
/// How long whoever has taken an address is asked whether it is a kith.
const PATIENCE: Duration = Duration::from_secs(1);

/// Serves as the settings say.
pub async fn run() -> anyhow::Result<Exit> {
    let config = load_config()?;
    log::for_server(&config)?;
    let stop = signals::stop_on_signal()?;
    let database = tokio::select! {
        database = Database::open(&config) => database?,
        () = stop.cancelled() => return Ok(Exit::Well),
    };
    let served = serve(config, &database, &stop).await;
    database.close().await?;
    served?;
    tracing::info!("stopped");
    Ok(Exit::Well)
}

async fn serve(
    config: Config,
    database: &Database,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let preparing = async {
        if config.is_production() {
            schema::refuse_drift(database).await?;
            schema::refuse_demo(database).await
        } else {
            schema::wait_and_migrate(database.migrate_url(), database.migrate_setting()).await
        }
    };
    tokio::select! {
        prepared = preparing => prepared?,
        () = stop.cancelled() => return Ok(()),
    }
    open_files::raise(&config);
    let application = build(config, database.url(), database.was_adopted()).await?;
    let addr = application.addr();
    run_until_stopped(application, stop, || {
        out::line(format_args!("kith is listening on http://{addr}"))
    })
    .await
}

/// Puts the application together, or says what to do where one of its addresses is taken. `is_shared` tells
/// that the private servers ran already.
pub async fn build(config: Config, url: &str, is_shared: bool) -> anyhow::Result<Application> {
    let (addr, dir) = (config.addr, config.dir.display().to_string());
    let error = match Application::build(config, url, Injected::default()) {
        Err(error) if is_taken(&error) => error,
        built => return built,
    };
    let asked = tokio::time::timeout(PATIENCE, answers(addr)).await;
    let is_kith = matches!(asked, Ok(Ok(true)));
    let who = match (is_kith, is_shared) {
        (true, true) => format!("A kith that uses the servers in {dir} too answers at {addr}"),
        (true, false) => format!("A kith answers at {addr}"),
        (false, true) => format!("A kith may run that uses the servers in {dir} too"),
        (false, false) => "Another program has it".to_owned(),
    };
    Err(anyhow!(
        "{}. {who}: stop it, or set KITH_ADDR and KITH_OPS_ADDR to other addresses, such as 127.0.0.1:8081 and \
         127.0.0.1:9091.",
        causes::told(&error)
    ))
}

fn is_taken(error: &anyhow::Error) -> bool {
    let failed = error.downcast_ref::<std::io::Error>();
    failed.is_some_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
}

/// Runs an application until `stop`, and calls `announce` as soon as it answers requests.
pub async fn run_until_stopped(
    application: Application,
    stop: &CancellationToken,
    announce: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let addr = application.addr();
    let running = application.run_until_stopped(stop.cancelled());
    let announcing = async {
        tokio::select! {
            () = wait_for_answer(addr) => announce(),
            () = stop.cancelled() => Ok(()),
        }
    };
    beside(running, announcing).await
}

/// Waits for the end of `running`, and for `announcing` no longer than that: what doesn't run never answers.
async fn beside(
    running: impl Future<Output = anyhow::Result<()>>,
    announcing: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let mut running = pin!(running);
    tokio::select! {
        run = &mut running => run,
        announced = announcing => running.await.and(announced),
    }
}

async fn wait_for_answer(addr: SocketAddr) {
    while !answers(addr).await.unwrap_or(false) {
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether `/livez` is answered, asked over a connection like any other.
async fn answers(mut addr: SocketAddr) -> std::io::Result<bool> {
    if addr.ip().is_unspecified() {
        addr.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    let mut stream = TcpStream::connect(addr).await?;
    let request = format!("GET /livez HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).await?;
    Ok(head.as_slice() == b"HTTP/1.1 200")
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn what_ends_before_it_answers_is_not_waited_for() {
        let failed = beside(ready(Err(anyhow!("no"))), pending());
        let ended = tokio::time::timeout(Duration::from_secs(5), failed).await;
        assert!(ended.is_ok_and(|ended| ended.is_err()));
    }

    #[tokio::test]
    async fn what_cannot_be_announced_is_told_at_the_end() {
        let ended = beside(ready(Ok(())), ready(Ok(()))).await;
        assert!(ended.is_ok());
        let running = async {
            tokio::task::yield_now().await;
            Ok(())
        };
        let ended = beside(running, ready(Err(anyhow!("no")))).await;
        assert!(ended.is_err());
    }
}
