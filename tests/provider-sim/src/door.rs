//! Doors: further addresses of the simulator that can be shut in the ways a connection fails.
//!
//! `POST /_sim/door/NAME` with `{"behaviour": "…"}` makes the door, or changes what happens at it, and
//! answers with its address: `listen` of the order that made it, or any free port. A door that is `open` leads to the same providers, script and journal as
//! the main address. A change ends the connections that go through the door; its address stays.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// A fatal TLS alert: the handshake failed.
const ALERT: [u8; 7] = [0x15, 3, 3, 0, 2, 2, 40];
const BACKLOG: u32 = 1024;

/// What happens to a connection at a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Behaviour {
    /// It is served.
    Open,
    /// Nobody listens.
    Refused,
    /// It is reset as soon as it is there.
    Reset,
    /// The TLS handshake is ended with an alert.
    TlsAlert,
    /// TLS is answered with plain HTTP.
    TlsPlain,
    /// It is taken, and never answered.
    Silent,
}

/// All doors, by name.
#[derive(Debug, Default)]
pub(crate) struct Doors {
    doors: Mutex<BTreeMap<String, Door>>,
}

#[derive(Debug, Clone)]
struct Door {
    address: SocketAddr,
    taken: Arc<AtomicU64>,
    orders: mpsc::Sender<Order>,
}

/// A behaviour, and where to say that it is in force.
type Order = (Behaviour, oneshot::Sender<io::Result<()>>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    behaviour: Behaviour,
    /// Where a new door is; loopback only.
    listen: Option<SocketAddr>,
}

impl Doors {
    /// Makes the door or changes it, and returns its address once that is in force. `serve`: what an
    /// open door does with a connection. Errors: what is wrong with the order, or no free port.
    pub(crate) async fn set<F>(
        &self,
        name: &str,
        order: &[u8],
        serve: impl Fn(TcpStream) -> F + Send + Sync + 'static,
    ) -> Result<SocketAddr, String>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Wanted { behaviour, listen } =
            serde_json::from_slice(order).map_err(|error| error.to_string())?;
        let listen = listen.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        if !listen.ip().is_loopback() {
            return Err(format!("{listen} is not a loopback address"));
        }
        let known = self.lock().get(name).cloned();
        let door = match known {
            Some(door) => door,
            None => self
                .make(name, listen, serve)
                .map_err(|error| error.to_string())?,
        };
        let (done, told) = oneshot::channel();
        let sent = door.orders.send((behaviour, done)).await;
        let in_force = match sent {
            Ok(()) => told.await.map_err(|_gone| "the door is gone".to_owned())?,
            Err(_closed) => return Err("the door is gone".to_owned()),
        };
        in_force.map_err(|error| error.to_string())?;
        Ok(door.address)
    }

    fn make<F>(
        &self,
        name: &str,
        listen: SocketAddr,
        serve: impl Fn(TcpStream) -> F + Send + Sync + 'static,
    ) -> io::Result<Door>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let bound = bind(listen)?;
        let (orders, receiver) = mpsc::channel(1);
        let door = Door {
            address: bound.local_addr()?,
            taken: Arc::default(),
            orders,
        };
        let taken = Arc::clone(&door.taken);
        tokio::spawn(keep(bound, receiver, taken, serve));
        self.lock().insert(name.to_owned(), door.clone());
        Ok(door)
    }

    /// Address and number of connections that were taken, by name.
    pub(crate) fn state(&self) -> Value {
        let doors = self.lock();
        let told = doors.iter().map(|(name, door)| {
            let taken = door.taken.load(Ordering::Relaxed);
            (
                name.clone(),
                json!({"address": door.address.to_string(), "connections": taken}),
            )
        });
        Value::Object(told.collect())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Door>> {
        self.doors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A socket that holds its port: until it listens, connections are refused.
fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Stands at one door until the simulator ends.
async fn keep<F>(
    bound: TcpSocket,
    mut orders: mpsc::Receiver<Order>,
    taken: Arc<AtomicU64>,
    serve: impl Fn(TcpStream) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let Ok(address) = bound.local_addr() else {
        return;
    };
    let mut waiting = Some(bound);
    while let Some((mut behaviour, mut done)) = orders.recv().await {
        loop {
            let socket = waiting.take().map_or_else(|| bind(address), Ok);
            let listener = match (behaviour, socket) {
                (_, Err(error)) => {
                    drop(done.send(Err(error)));
                    break;
                }
                (Behaviour::Refused, Ok(socket)) => {
                    waiting = Some(socket);
                    drop(done.send(Ok(())));
                    break;
                }
                (_, Ok(socket)) => match socket.listen(BACKLOG) {
                    Ok(listener) => listener,
                    Err(error) => {
                        drop(done.send(Err(error)));
                        break;
                    }
                },
            };
            drop(done.send(Ok(())));
            match stand(listener, behaviour, &mut orders, &taken, &serve).await {
                Some(next) => (behaviour, done) = next,
                None => return,
            }
        }
    }
}

/// Takes connections until the next order; those that are open then end with it.
async fn stand<F>(
    listener: TcpListener,
    behaviour: Behaviour,
    orders: &mut mpsc::Receiver<Order>,
    taken: &AtomicU64,
    serve: &impl Fn(TcpStream) -> F,
) -> Option<Order>
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            order = orders.recv() => return order,
            Some(_ended) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = stream else {
            tokio::task::yield_now().await;
            continue;
        };
        taken.fetch_add(1, Ordering::Relaxed);
        if behaviour == Behaviour::Open {
            connections.spawn(serve(stream));
        } else {
            connections.spawn(fail(stream, behaviour));
        }
    }
}

async fn fail(mut stream: TcpStream, behaviour: Behaviour) {
    let mut first = [0; 1024];
    let answer: &[u8] = match behaviour {
        Behaviour::TlsAlert => &ALERT,
        Behaviour::TlsPlain => b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n",
        Behaviour::Silent => {
            // Reads to the end, so that the caller's leaving ends the task.
            while matches!(stream.read(&mut first).await, Ok(1..)) {}
            return;
        }
        Behaviour::Open | Behaviour::Refused | Behaviour::Reset => {
            // Closing without lingering sends the reset.
            drop(stream.set_zero_linger());
            return;
        }
    };
    let read = stream.read(&mut first).await;
    if matches!(read, Ok(1..)) && stream.write_all(answer).await.is_ok() {
        // Closed in order, so that the caller reads the answer before the end.
        drop(stream.shutdown().await);
        while matches!(stream.read(&mut first).await, Ok(1..)) {}
    }
}
