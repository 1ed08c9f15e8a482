//! Mail: sent over SMTP, or written into a folder where somebody without a mail server can read it.
//!
//! Neither addresses nor texts get into errors or the log. Headers are made by lettre, which
//! encodes line breaks, so no text can add a header of its own.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, anyhow};
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox};
use lettre::transport::smtp;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use tokio::io::AsyncWriteExt as _;

use crate::kernel::{Clock, Error, IdFactory, Result, clock::SystemClock};

/// For one step of the conversation with the mail server.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
/// For the conversation as a whole.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// Most characters of a line, without its end.
const LONGEST_LINE: usize = 998;

/// A mail to one person, in plain text.
#[derive(Clone)]
pub struct Message {
    /// The address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// What it says.
    pub text: String,
    /// Where one click takes the person off the list, by `POST` (RFC 8058).
    pub unsubscribe: Option<String>,
}

/// Sends mail from one address. Clones are cheap and share their connections.
#[derive(Clone)]
pub struct Mailer {
    from: Mailbox,
    random: IdFactory,
    way: Way,
}

#[derive(Clone)]
enum Way {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Files(PathBuf),
}

impl Mailer {
    /// Sends over the server that `url` names: `smtps://user:password@host` (TLS from the first
    /// byte), `smtp://host:587?tls=required` (STARTTLS) or `smtp://localhost:1025` (no TLS).
    pub fn smtp(url: &str, from: &str) -> anyhow::Result<Self> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .context("the URL of the mail server is not valid")?
            .timeout(Some(STEP_TIMEOUT))
            .build();
        Self::new(from, Way::Smtp(transport))
    }

    /// Writes each mail into a file of its own in `dir`, which is made when the first one is sent.
    pub fn files(dir: &Path, from: &str) -> anyhow::Result<Self> {
        Self::new(from, Way::Files(dir.to_owned()))
    }

    fn new(from: &str, way: Way) -> anyhow::Result<Self> {
        Ok(Self {
            from: from.parse().context("the sender's address is not valid")?,
            random: IdFactory::from_os(),
            way,
        })
    }

    /// Sends `message`, or fails: with `unavailable` when a later try may succeed.
    pub async fn send(&self, message: &Message) -> Result<()> {
        let tag = format!("{:032x}", u128::from_be_bytes(self.random.bytes()));
        // A mail is real even where a test has moved the clock.
        let now = SystemClock.now().utc();
        let mut mail = lettre::Message::builder()
            // Named after the sender, because the default tells the machine's name.
            .message_id(Some(format!("<{tag}@{}>", self.from.email.domain())))
            .date(SystemTime::from(now))
            .from(self.from.clone())
            .to(recipient(&message.to)?)
            .subject(message.subject.as_str())
            .header(ContentType::TEXT_PLAIN);
        for (name, value) in message.unsubscribe.iter().flat_map(|url| list_headers(url)) {
            mail = mail.raw_header(HeaderValue::new(name, value));
        }
        let mail = mail.body(body(&message.text)).map_err(Error::internal)?;
        match &self.way {
            Way::Smtp(transport) => deliver(transport, mail).await,
            Way::Files(dir) => {
                let name = format!("{}-{tag}.eml", now.format("%Y%m%dT%H%M%S%.6fZ"));
                write(dir, &name, &mail.formatted())
                    .await
                    .map_err(Error::unavailable)
            }
        }
    }
}

/// What makes a mail program show a button that ends the mails.
fn list_headers(url: &str) -> [(HeaderName, String); 2] {
    [
        (
            HeaderName::new_from_ascii_str("List-Unsubscribe"),
            format!("<{url}>"),
        ),
        (
            HeaderName::new_from_ascii_str("List-Unsubscribe-Post"),
            "List-Unsubscribe=One-Click".to_owned(),
        ),
    ]
}

/// ASCII with lines of a length that mail allows (RFC 5322) goes as it is, so that a link is whole for
/// whoever reads the file; anything else is encoded.
fn body(text: &str) -> Body {
    if !text.is_ascii() || text.lines().any(|line| line.len() > LONGEST_LINE) {
        return Body::new(text.to_owned());
    }
    let lines: String = text.lines().flat_map(|line| [line, "\r\n"]).collect();
    Body::dangerous_pre_encoded(lines.into_bytes(), ContentTransferEncoding::SevenBit)
}

fn recipient(address: &str) -> Result<Mailbox> {
    let address = address
        .parse()
        .map_err(|_tells_the_address| Error::internal(anyhow!("a mail's address is not valid")))?;
    Ok(Mailbox::new(None, address))
}

async fn deliver(
    transport: &AsyncSmtpTransport<Tokio1Executor>,
    mail: lettre::Message,
) -> Result<()> {
    match tokio::time::timeout(SEND_TIMEOUT, transport.send(mail)).await {
        Ok(Ok(_answer)) => Ok(()),
        Ok(Err(error)) if error.is_permanent() => Err(Error::internal(without_address(&error))),
        Ok(Err(error)) => Err(Error::unavailable(without_address(&error))),
        Err(elapsed) => Err(Error::unavailable(elapsed)),
    }
}

/// A server's answer often repeats the address; its status says enough.
fn without_address(error: &smtp::Error) -> anyhow::Error {
    match error.status() {
        Some(status) => anyhow!("the mail server answered {status}"),
        None if error.is_response() || error.is_client() => {
            anyhow!("the mail server and kith did not understand each other")
        }
        None => anyhow!("the mail server cannot be reached: {error}"),
    }
}

async fn write(dir: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    tokio::fs::create_dir_all(dir).await?;
    // Renamed when it is whole, so that nobody who watches the folder reads half a mail.
    let part = dir.join(format!(".{name}.part"));
    let mut file = tokio::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        // The text may hold a link that opens an account.
        .mode(0o600)
        .open(&part)
        .await?;
    file.write_all(bytes).await?;
    file.flush().await?;
    tokio::fs::rename(&part, dir.join(name)).await
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncBufReadExt as _;

    use super::*;
    use crate::kernel::Code;

    fn message(subject: &str, text: &str) -> Message {
        Message {
            to: "ada@example.org".to_owned(),
            subject: subject.to_owned(),
            text: text.to_owned(),
            unsubscribe: None,
        }
    }

    fn mails(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(dir)
            .expect("the folder is there")
            .map(|entry| entry.expect("readable").path())
            .collect();
        names.sort();
        let read = |path| std::fs::read_to_string(path).expect("a mail");
        names.into_iter().map(read).collect()
    }

    #[tokio::test]
    async fn each_mail_gets_a_file_with_its_text_in_the_order_of_sending() {
        let dir = tempfile::tempdir().expect("a folder");
        let inside = dir.path().join("made/on/demand");
        let mailer = Mailer::files(&inside, "kith <kith@example.org>").expect("a mailer");
        for text in ["the first text", "the second text"] {
            mailer.send(&message("Hello", text)).await.expect("sent");
        }
        let mails = mails(&inside);
        assert_eq!(mails.len(), 2);
        assert!(mails[0].contains("the first text") && mails[1].contains("the second text"));
        assert!(mails[0].contains("To: ada@example.org"));
    }

    #[tokio::test]
    async fn a_line_break_in_a_subject_or_an_address_adds_no_header() {
        let dir = tempfile::tempdir().expect("a folder");
        let mailer = Mailer::files(dir.path(), "kith@example.org").expect("a mailer");
        let sly = message("Hello\r\nBcc: eve@example.org", "text");
        mailer.send(&sly).await.expect("sent");
        let mail = mails(dir.path()).remove(0);
        assert!(!mail.lines().any(|line| line.starts_with("Bcc:")), "{mail}");

        let mut sly = message("Hello", "text");
        sly.to = "ada@example.org\r\nBcc: eve@example.org".to_owned();
        let error = mailer.send(&sly).await.expect_err("refused");
        assert!(!format!("{error:?}").contains("example.org"), "{error:?}");
    }

    /// A mail server for one conversation. It refuses recipients whose address holds `nobody`,
    /// and gives back what it was told.
    async fn serve_one(listener: tokio::net::TcpListener) -> String {
        let (stream, _) = listener.accept().await.expect("a client");
        let (read, mut write) = stream.into_split();
        let mut lines = tokio::io::BufReader::new(read).lines();
        let (mut heard, mut in_text) = (String::new(), false);
        write.write_all(b"220 here\r\n").await.expect("greeted");
        while let Ok(Some(line)) = lines.next_line().await {
            heard.push_str(&line);
            heard.push('\n');
            let answer = match line.as_str() {
                "." => "250 taken",
                _ if in_text => continue,
                "DATA" => "354 go on",
                "QUIT" => break,
                to if to.contains("nobody") => "550 <nobody@example.org> is unknown",
                _ => "250 fine",
            };
            in_text = line == "DATA";
            let answer = format!("{answer}\r\n");
            write.write_all(answer.as_bytes()).await.expect("answered");
            if line == "." || answer.starts_with("550") {
                break;
            }
        }
        heard
    }

    async fn over_smtp(message: &Message) -> (Result<()>, String) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!("smtp://{}", listener.local_addr().expect("bound"));
        let server = tokio::spawn(serve_one(listener));
        let mailer = Mailer::smtp(&url, "kith@example.org").expect("a mailer");
        let result = mailer.send(message).await;
        (result, server.await.expect("served"))
    }

    #[tokio::test]
    async fn a_mail_goes_over_smtp() {
        let (result, heard) = over_smtp(&message("Hello", "the text")).await;
        result.expect("sent");
        for part in [
            "MAIL FROM:<kith@example.org>",
            "RCPT TO:<ada@example.org>",
            "the text",
        ] {
            assert!(heard.contains(part), "{heard}");
        }
    }

    #[tokio::test]
    async fn what_a_mail_server_says_of_an_address_does_not_get_into_the_error() {
        let mut message = message("Hello", "text");
        message.to = "nobody@example.org".to_owned();
        let error = over_smtp(&message).await.0.expect_err("refused");
        assert_eq!(error.code(), Code::Internal);
        let told = format!("{error:?}");
        assert!(told.contains("550") && !told.contains("nobody"), "{told}");
    }
}
