//! A small WebSocket client: text frames, no extensions. It shares its cores with what it measures, so it
//! copies nothing that it need not, and masks with zeros, which changes nothing on the wire.

use std::io;
use std::ops::Range;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::wire::Target;

/// What one read may bring at most.
const AT_ONCE: usize = 16 * 1_024;
/// The window, and the packets, of a narrow line.
const WINDOW: u32 = 8 * 1_024;
const PACKET: u32 = 1_400;
/// The largest answer to an upgrade.
const MOST_HEAD: usize = 8 * 1_024;

/// An open WebSocket.
pub struct Socket {
    stream: TcpStream,
    input: Vec<u8>,
    /// Of the input, what was taken.
    taken: usize,
    /// Bytes of frames that were received, with their heads.
    pub received: u64,
}

/// An answer that was no upgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no upgrade, but {status}")]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// `Retry-After`, in seconds.
    pub after: Option<u64>,
}

impl Refusal {
    fn read(head: &[u8]) -> Self {
        let head = String::from_utf8_lossy(head).to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let after = head
            .lines()
            .find_map(|line| line.strip_prefix("retry-after:"));
        Self {
            status: status.unwrap_or_default(),
            after: after.and_then(|after| after.trim().parse().ok()),
        }
    }

    /// What was answered to whoever wanted a socket; nothing if there was no answer.
    pub fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

/// What a server says.
#[derive(Debug, PartialEq, Eq)]
pub enum Message {
    /// A text: [`Socket::text`] gives it.
    Text(Range<usize>),
    /// The close and its code; 1005 where it has none.
    Close(u16),
}

/// The parts of a frame.
struct Head {
    op: u8,
    body: Range<usize>,
}

impl Socket {
    /// Opens one at `path`; `token` goes into a header.
    pub async fn open(target: &Target, path: &str, token: Option<&str>) -> io::Result<Self> {
        Self::upgrade(TcpStream::connect(target.addr).await?, target, path, token).await
    }

    /// The same over a line like those outside of this machine: with packets of an Ethernet's size, and
    /// a window of some kilobytes. On a loopback interface the kernel would take megabytes for a reader
    /// that has stopped.
    pub async fn open_narrow(target: &Target, path: &str, token: Option<&str>) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(WINDOW)?;
        socket2::SockRef::from(&socket).set_tcp_mss(PACKET)?;
        let stream = socket.connect(target.addr).await?;
        Self::upgrade(stream, target, path, token).await
    }

    async fn upgrade(
        mut stream: TcpStream,
        target: &Target,
        path: &str,
        token: Option<&str>,
    ) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let bearer = token.map_or(String::new(), |token| {
            format!("Authorization: Bearer {token}\r\n")
        });
        // The key proves nothing but that the server speaks the protocol: any will do.
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{bearer}\r\n",
            target.host
        );
        stream.write_all(request.as_bytes()).await?;
        let mut input = Vec::with_capacity(1_024);
        let head = loop {
            if stream.read_buf(&mut input).await? == 0 || input.len() > MOST_HEAD {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(place) = input.windows(4).position(|four| four == b"\r\n\r\n") {
                break place + 4;
            }
        };
        if !input.starts_with(b"HTTP/1.1 101") {
            return Err(io::Error::other(Refusal::read(&input)));
        }
        input.drain(..head);
        Ok(Self {
            stream,
            input,
            taken: 0,
            received: 0,
        })
    }

    /// Sends a text.
    pub async fn send(&mut self, text: &str) -> io::Result<()> {
        self.put(0x1, text.as_bytes()).await
    }

    /// Says goodbye and hears the server out.
    pub async fn close(mut self) -> io::Result<()> {
        self.put(0x8, &1_000_u16.to_be_bytes()).await?;
        while let Message::Text(_) = self.next().await? {}
        Ok(())
    }

    async fn put(&mut self, op: u8, body: &[u8]) -> io::Result<()> {
        let mut frame = Vec::with_capacity(body.len() + 14);
        frame.push(0x80 | op);
        match (u8::try_from(body.len()), u16::try_from(body.len())) {
            (Ok(short @ 0..=125), _) => frame.push(0x80 | short),
            (_, Ok(long)) => {
                frame.push(0x80 | 0x7e);
                frame.extend(long.to_be_bytes());
            }
            (_, Err(_longer)) => {
                frame.push(0x80 | 0x7f);
                frame.extend(u64::try_from(body.len()).unwrap_or_default().to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend_from_slice(body);
        self.stream.write_all(&frame).await
    }

    /// The next text or close. Pings are answered on the way. It may be given up and asked again.
    pub async fn next(&mut self) -> io::Result<Message> {
        loop {
            if let Some(head) = self.head() {
                self.received += u64::try_from(head.body.end - self.taken).unwrap_or_default();
                self.taken = head.body.end;
                match head.op {
                    0x1 => return Ok(Message::Text(head.body)),
                    0x8 => return Ok(Message::Close(self.code(head.body))),
                    0x9 => {
                        let body = self.input.get(head.body).unwrap_or_default().to_vec();
                        self.put(0xa, &body).await?;
                    }
                    _ => {}
                }
                continue;
            }
            self.input.drain(..self.taken);
            self.taken = 0;
            self.input.reserve(AT_ONCE);
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// A text that [`Self::next`] has just given.
    pub fn text(&self, place: Range<usize>) -> &str {
        let bytes = self.input.get(place).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    fn code(&self, body: Range<usize>) -> u16 {
        let code = self.input.get(body).and_then(<[u8]>::first_chunk);
        code.map_or(1005, |code| u16::from_be_bytes(*code))
    }

    /// The frame that comes next, if all of it is there. Servers mask nothing.
    fn head(&self) -> Option<Head> {
        let rest = self.input.get(self.taken..)?;
        let (first, second) = (*rest.first()?, *rest.get(1)?);
        let (length, head) = match second & 0x7f {
            126 => {
                let length = rest.get(2..)?.first_chunk()?;
                (usize::from(u16::from_be_bytes(*length)), 4)
            }
            127 => {
                let length = rest.get(2..)?.first_chunk()?;
                (usize::try_from(u64::from_be_bytes(*length)).ok()?, 10)
            }
            short => (usize::from(short), 2),
        };
        let start = self.taken + head;
        (start + length <= self.input.len()).then(|| Head {
            op: first & 0x0f,
            body: start..start + length,
        })
    }
}
