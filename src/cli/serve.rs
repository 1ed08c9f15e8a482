//! `kith serve`: from the settings to the last answer.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use kith::app::{Application, Injected};
use kith::platform::config::Config;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::exit::Exit;
use super::tool::{Database, load_config};
use super::{log, open_files, out, schema, signals};

/// Between two looks at whether the server answers.
const PAUSE: Duration = Duration::from_millis(20);

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
    served.map(|()| Exit::Well)
}

async fn serve(
    config: Config,
    database: &Database,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let preparing = async {
        if config.is_production() {
            schema::refuse_drift(database.url()).await?;
            schema::refuse_demo(database.url()).await
        } else {
            schema::wait_and_migrate(database.migrate_url()).await
        }
    };
    tokio::select! {
        prepared = preparing => prepared?,
        () = stop.cancelled() => return Ok(()),
    }
    open_files::raise(&config);
    let application = Application::build(config, database.url(), Injected::default())?;
    let addr = application.addr();
    run_until_stopped(application, stop, || {
        out::line(format_args!("kith is listening on http://{addr}"))
    })
    .await
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
    let (run, announced) = tokio::join!(running, announcing);
    run.and(announced)
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
