//! Waiting until a process serves: bounded, and at once over when the process ends.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::child::Child;

/// How long a process may take until it serves.
const START_BOUND: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(20);

/// Waits until `GET path` at `address` answers 200.
pub(crate) async fn wait_until_ready(
    child: &mut Child,
    address: SocketAddr,
    path: &str,
) -> Result<()> {
    let end = Instant::now() + START_BOUND;
    loop {
        if let Some(status) = child.ended()? {
            return Err(child.failure(status));
        }
        let answer = timeout(Duration::from_secs(2), get(address, path)).await;
        let last = match answer {
            Ok(Ok((200, _))) => return Ok(()),
            Ok(Ok((status, body))) => format!("{status} {}", body.trim()),
            Ok(Err(error)) => error.to_string(),
            Err(_elapsed) => "no answer".to_owned(),
        };
        if Instant::now() > end {
            let (part, log) = (child.part().as_str(), child.log().display());
            bail!(
                "the {part} was not ready within {} s: http://{address}{path} says {last}; see {log}",
                START_BOUND.as_secs()
            );
        }
        sleep(POLL).await;
    }
}

/// One plain HTTP request; the status and the body of the answer.
pub async fn get(address: SocketAddr, path: &str) -> Result<(u16, String)> {
    exchange(
        address,
        &format!("GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n"),
    )
    .await
}

/// Posts JSON text; the status and the body of the answer.
pub async fn post_json(address: SocketAddr, path: &str, body: &str) -> Result<(u16, String)> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.0\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    exchange(address, &(head + body)).await
}

async fn exchange(address: SocketAddr, request: &str) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("not an HTTP answer")?;
    let status = head.split(' ').nth(1).context("not an HTTP answer")?;
    Ok((status.parse()?, body.to_owned()))
}
