//! HTTP/1.1 messages, as far as the API server and its clients use them.

use std::io::{self, BufRead, Write};

/// A request or an answer, its body unchunked.
pub struct Message {
    /// First line, such as `GET /version HTTP/1.1` or `HTTP/1.1 200 OK`.
    pub start: String,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Bytes of the body that are announced, and never come.
    missing: usize,
}

impl Message {
    pub fn new(start: &str, body: &str) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { start: start.to_owned(), headers, body: body.into(), missing: 0 }
    }

    /// A message whose body does not come to its end.
    pub fn endless(start: &str) -> Self {
        Self { missing: 1, ..Self::new(start, "") }
    }

    /// Reads a message; `None` when the other side has closed the connection.
    pub fn read(stream: &mut impl BufRead) -> io::Result<Option<Self>> {
        let start = read_line(stream)?;
        if start.is_empty() {
            return Ok(None);
        }
        let mut headers = Vec::new();
        while let Some((name, value)) = read_line(stream)?.split_once(':') {
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut message = Self { start, headers, body: Vec::new(), missing: 0 };
        message.body = message.read_body(stream)?;
        message.headers.retain(|(name, _)| name != "content-length" && name != "transfer-encoding");
        Ok(Some(message))
    }

    pub fn write(&self, stream: &mut impl Write) -> io::Result<()> {
        let mut bytes = format!("{}\r\n", self.start).into_bytes();
        for (name, value) in &self.headers {
            write!(bytes, "{name}: {value}\r\n")?;
        }
        write!(bytes, "content-length: {}\r\n\r\n", self.body.len() + self.missing)?;
        bytes.extend(&self.body);
        stream.write_all(&bytes)?;
        stream.flush()
    }

    fn read_body(&self, stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
        if self.header("transfer-encoding").is_some() {
            return read_chunks(stream);
        }
        let length = self.header("content-length").and_then(|length| length.parse().ok());
        read_exactly(stream, length.unwrap_or(0))
    }

    fn header(&self, wanted: &str) -> Option<&str> {
        self.headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    }
}

fn read_chunks(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = read_line(stream)?;
        let size = usize::from_str_radix(&size, 16).map_err(io::Error::other)?;
        body.extend(read_exactly(stream, size)?);
        read_line(stream)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

fn read_exactly(stream: &mut impl BufRead, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    line.truncate(line.trim_end().len());
    Ok(line)
}
