//! Why a connection ends, in codes that say what to do: below 4100 do not come back unchanged, below
//! 4200 wait and resume, from there resume at once (after `after_ms`).

use bytes::{BufMut as _, Bytes, BytesMut};
use serde_json::{Value, json};

/// A close code with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// The code on the wire.
    pub code: u16,
    /// The code's name.
    pub name: &'static str,
    /// A few words.
    pub reason: &'static str,
    /// After how many milliseconds to come back.
    pub after_ms: Option<u32>,
}

macro_rules! closes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $reason:literal;)+) => {
        impl Close {
            $(
                $(#[$doc])*
                pub const $name: Self = Self {
                    code: $code,
                    name: stringify!($name),
                    reason: $reason,
                    after_ms: None,
                };
            )+

            /// Every way to end.
            pub const ALL: &[Self] = &[$(Self::$name,)+];
        }
    };
}

closes! {
    /// The client said goodbye.
    NORMAL = 1000, "goodbye";
    /// What was sent is no text.
    NOT_TEXT = 1003, "only text is understood here";
    /// What was sent is against the protocol.
    PROTOCOL = 1002, "protocol error";
    /// What was sent as text is none.
    NOT_UTF8 = 1007, "a text is UTF-8";
    /// What was sent is too big, or in too many pieces.
    TOO_BIG = 1009, "the message is too big";
    /// The token of `hello` is none of ours, or was used.
    BAD_TICKET = 4001, "bad token or ticket";
    /// No `hello` came in time.
    HELLO_TIMEOUT = 4002, "no hello came in time";
    /// The client speaks another version.
    VERSION = 4004, "this protocol version is not spoken here";
    /// Too many frames that could not be read.
    TOO_MANY_ERRORS = 4005, "too many protocol errors";
    /// The account is suspended.
    SUSPENDED = 4006, "the account is suspended";
    /// The session has ended.
    REVOKED = 4007, "the session has ended";
    /// The person has too many connections.
    TOO_MANY_CONNECTIONS = 4008, "too many connections";
    /// Another socket of the same session took over.
    REPLACED = 4009, "a newer connection of this session took over";
    /// Too many frames.
    RATE_LIMITED = 4101, "too many frames";
    /// A fault of ours.
    SERVER_ERROR = 4102, "something went wrong on our side";
    /// The reader does not keep up.
    TOO_SLOW = 4104, "reading too slowly";
    /// The process ends.
    DRAINING = 4201, "the server restarts";
    /// Something could not be replayed: resume.
    POSITION_LOST = 4202, "the position is lost, resume";
    /// Nothing was heard of the client.
    SILENT = 4203, "nothing was heard of you";
    /// The token has run out: refresh it and resume.
    TOKEN_EXPIRED = 4205, "refresh the token and resume";
}

impl Close {
    /// The same, with when to come back.
    #[must_use]
    pub const fn after(self, after_ms: u32) -> Self {
        Self {
            after_ms: Some(after_ms),
            ..self
        }
    }

    /// The close as a WebSocket frame.
    pub fn frame(&self) -> Bytes {
        let reason = self.reason.as_bytes();
        let mut frame = BytesMut::with_capacity(reason.len() + 4);
        frame.put_u8(0x88);
        // Reasons are constants of fewer than 124 bytes.
        frame.put_u8(u8::try_from(reason.len() + 2).unwrap_or(2));
        frame.put_u16(self.code);
        frame.put_slice(reason);
        frame.freeze()
    }

    /// The goodbye that goes before it, for clients and transports that see no close frame.
    pub fn bye(&self) -> Value {
        match self.after_ms {
            Some(after_ms) => {
                json!({"op": "bye", "code": self.code, "after_ms": after_ms, "reason": self.reason})
            }
            None => json!({"op": "bye", "code": self.code, "reason": self.reason}),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Close;

    #[test]
    fn the_page_lists_every_code_that_is_sent_and_no_other() {
        let page = include_str!("../../../docs/realtime.md");
        let (_, section) = page.split_once("\n## Close codes\n").expect("the section");
        let (section, _) = section.split_once("\n## ").expect("its end");
        let rows = section.lines().filter(|line| line.starts_with('|'));
        let cells = rows.flat_map(|row| row.split('|').skip(1).step_by(2));
        let codes = cells.flat_map(|cell| cell.split(',').map(str::trim));
        let mut listed: Vec<u16> = codes.filter_map(|code| code.parse().ok()).collect();
        // A goodbye is answered by one, and says nothing.
        let sent = Close::ALL.iter().map(|close| close.code);
        let mut sent: Vec<u16> = sent.filter(|code| *code != 1000).collect();
        listed.sort_unstable();
        sent.sort_unstable();
        assert_eq!(listed, sent);
    }

    #[test]
    fn every_reason_fits_into_its_frame_and_no_code_is_given_twice() {
        let mut codes: Vec<u16> = Close::ALL.iter().map(|close| close.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Close::ALL.len());
        for close in Close::ALL {
            assert!(close.reason.len() <= 123, "{}", close.reason);
            assert_eq!(close.frame().len(), close.reason.len() + 4);
        }
    }
}
