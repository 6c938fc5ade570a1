//! `plenum-console`: the box's display and keyboard, on a virtual terminal or a serial line. No shell, nothing to
//! sign in to: it shows how to reach the box, and takes a few orders of whoever stands before it.

#![forbid(unsafe_code)]
#![allow(clippy::print_stderr, reason = "the journal of its unit")]

use anyhow::{Context, Result};
use crossterm::event::{self, Event, KeyCode, KeyEventKind};
use crossterm::style::{Attribute, Print, SetAttribute};
use crossterm::{cursor, queue, terminal};
use plenum_appliance::console::{Console, Key, Language, Line, Order, lines};
use plenum_protocol::console::Console1Proxy;
use plenum_protocol::manager::Display;
use std::io::{Write, stdout};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;
use zbus::Connection;

const LOOK: Duration = Duration::from_secs(2);
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// The kernel may have written over it, and a serial line may have been plugged in.
const REDRAW_AFTER: u32 = 30;
/// Of a serial line, which does not know its size.
const DEFAULT_SIZE: (u16, u16) = (80, 24);

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let shown = runtime.context("no runtime").and_then(|runtime| runtime.block_on(show()));
    // systemd resets the terminal.
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn show() -> Result<()> {
    terminal::enable_raw_mode().context("this is no terminal")?;
    let (sender, mut inputs) = mpsc::channel(16);
    std::thread::spawn(move || read(&sender));
    let mut console = Console::new(Language::German);
    let mut bus = None;
    let mut drawn = Vec::new();
    let mut look = tokio::time::interval(LOOK);
    let mut looks = 0u32;
    loop {
        tokio::select! {
            input = inputs.recv() => match input.context("the keyboard is gone")? {
                Input::Resized => drawn.clear(),
                Input::Pressed(key) => {
                    if let Some(order) = console.press(key, number()) {
                        draw(&console, &mut drawn)?;
                        let result = carry_out(&mut bus, order).await;
                        console.ended(order, result.map_err(|error| format!("{error:#}")));
                    }
                }
            },
            _ = look.tick() => {
                looks = (looks + 1) % REDRAW_AFTER;
                if looks == 0 {
                    drawn.clear();
                }
                console.shown = ask(&mut bus).await.inspect_err(|_| bus = None).ok();
            }
        }
        draw(&console, &mut drawn)?;
    }
}

enum Input {
    Pressed(Key),
    Resized,
}

/// Until the terminal is gone.
fn read(inputs: &mpsc::Sender<Input>) {
    while let Ok(event) = event::read() {
        let input = match event {
            Event::Resize(..) => Input::Resized,
            Event::Key(key) if key.kind == KeyEventKind::Press => match key.code {
                KeyCode::Char(char) => Input::Pressed(Key::Char(char)),
                KeyCode::Enter => Input::Pressed(Key::Enter),
                KeyCode::Esc => Input::Pressed(Key::Escape),
                KeyCode::Backspace => Input::Pressed(Key::Backspace),
                _ => continue,
            },
            _ => continue,
        };
        if inputs.blocking_send(input).is_err() {
            return;
        }
    }
}

/// Another one each time, for nobody to type out of habit.
fn number() -> u16 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (since.subsec_micros() % 10_000) as u16
}

async fn proxy(bus: &mut Option<Connection>) -> Result<Console1Proxy<'static>> {
    let connection = match bus.take() {
        Some(connection) => connection,
        None => Connection::system().await.context("the message bus cannot be reached")?,
    };
    *bus = Some(connection.clone());
    Ok(Console1Proxy::new(&connection).await?)
}

async fn ask(bus: &mut Option<Connection>) -> Result<Display> {
    let answer = async { anyhow::Ok(proxy(bus).await?.show().await?) };
    let text = tokio::time::timeout(ANSWER_LIMIT, answer).await.context("the manager does not answer")??;
    Ok(serde_json::from_str(&text)?)
}

async fn carry_out(bus: &mut Option<Connection>, order: Order) -> Result<()> {
    let proxy = proxy(bus).await?;
    match order {
        Order::Restart => proxy.restart().await?,
        Order::ResetNetwork => proxy.reset_network().await?,
        Order::ApplySettings => proxy.apply_settings().await?,
        Order::ResetToFactory => proxy.reset_to_factory().await?,
    }
    Ok(())
}

/// Only what has changed: a serial line is slow.
fn draw(console: &Console, drawn: &mut Vec<Line>) -> Result<()> {
    let (width, height) = match terminal::size() {
        Ok((width, height)) if width > 0 && height > 0 => (width, height),
        _ => DEFAULT_SIZE,
    };
    // The last column is left alone: some terminals begin a new line after it.
    let lines = lines(console, usize::from(width) - 1, usize::from(height));
    let mut out = stdout().lock();
    if drawn.len() != lines.len() {
        drawn.clear();
        queue!(out, cursor::Hide, terminal::Clear(terminal::ClearType::All))?;
    }
    for (row, line) in (0u16..).zip(&lines) {
        if drawn.get(usize::from(row)) != Some(line) {
            let weight = if line.bold { Attribute::Bold } else { Attribute::Reset };
            queue!(out, cursor::MoveTo(0, row), terminal::Clear(terminal::ClearType::UntilNewLine))?;
            queue!(out, SetAttribute(weight), Print(&line.text), SetAttribute(Attribute::Bold))?;
            queue!(out, Print(&line.code), SetAttribute(Attribute::Reset))?;
        }
    }
    out.flush()?;
    *drawn = lines;
    Ok(())
}
