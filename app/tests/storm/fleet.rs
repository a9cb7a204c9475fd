//! The processes of a storm and what happens to them.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use crate::pipeline::Pipeline;
use crate::support::program::Service;

/// Processes beyond which nobody joins.
const MEMBERS_MAX: usize = 5;
/// A process that is asked to stop while its brokers are away gives up after four seconds.
const STOP_MAX: Duration = Duration::from_secs(15);

/// One process under its name.
struct Member {
    name: String,
    commit: &'static str,
    service: Option<Service>,
    /// Stopped by a signal until then.
    paused: Option<Instant>,
    /// Killed, and started again then.
    back: Option<Instant>,
}

/// All processes.
pub struct Fleet<'a> {
    pipeline: &'a Pipeline,
    members: Vec<Member>,
    started: u8,
}

impl<'a> Fleet<'a> {
    pub fn new(pipeline: &'a Pipeline) -> Self {
        Self { pipeline, members: Vec::new(), started: 0 }
    }

    /// Starts one more process; reports whether there was room.
    pub fn join(&mut self, commit: &'static str) -> bool {
        if self.members.len() == MEMBERS_MAX {
            return false;
        }
        let name = char::from(b'a' + self.started % 26).to_string();
        self.started += 1;
        let service = Some(start(self.pipeline, &name, commit));
        self.members.push(Member { name, commit, service, paused: None, back: None });
        true
    }

    /// Waits until the first process runs: it makes the topics.
    pub fn wait_for_first(&mut self) {
        let first = self.members.first_mut().and_then(|member| member.service.as_mut());
        first.unwrap().wait_for_log("running");
    }

    pub fn kill(&mut self, who: u64, back: Option<Duration>) {
        let Some(idx) = self.choose(who, |member| member.service.is_some()) else { return };
        let member = &mut self.members[idx];
        member.paused = None;
        member.service.take().unwrap().kill();
        match back {
            Some(span) => member.back = Some(Instant::now() + span),
            None => drop(self.members.remove(idx)),
        }
    }

    pub fn pause(&mut self, who: u64, span: Duration) {
        let Some(idx) = self.choose(who, Member::is_running) else { return };
        let member = &mut self.members[idx];
        member.service.as_ref().unwrap().signal("STOP");
        member.paused = Some(Instant::now() + span);
    }

    /// Asks a process to stop, but never the only one.
    pub fn leave(&mut self, who: u64) {
        if self.members.iter().filter(|member| member.is_running()).count() < 2 {
            return;
        }
        let Some(idx) = self.choose(who, Member::is_running) else { return };
        stop(self.members.remove(idx).service.unwrap());
    }

    /// Continues and restarts whoever is due; reports whether somebody still waits for it.
    pub fn wake(&mut self) -> bool {
        let now = Instant::now();
        for member in &mut self.members {
            if member.paused.is_some_and(|until| until <= now) {
                member.service.as_ref().unwrap().signal("CONT");
                member.paused = None;
            }
            if member.back.is_some_and(|at| at <= now) {
                member.service = Some(start(self.pipeline, &member.name, member.commit));
                member.back = None;
            }
        }
        self.members.iter().any(|member| member.paused.is_some() || member.back.is_some())
    }

    /// Makes sure that somebody is there, and that nobody ended by itself.
    pub fn settle(&mut self) {
        if self.members.is_empty() {
            self.join("50ms");
        }
        for member in &mut self.members {
            let status = member.service.as_mut().and_then(Service::ended);
            assert!(status.is_none(), "process {} ended by itself: {status:?}", member.name);
        }
    }

    pub fn stop_all(mut self) {
        self.members.drain(..).filter_map(|member| member.service).for_each(stop);
    }

    fn choose(&self, who: u64, can: impl Fn(&Member) -> bool) -> Option<usize> {
        let able: Vec<usize> =
            (0..self.members.len()).filter(|idx| can(&self.members[*idx])).collect();
        able.get(who as usize % able.len().max(1)).copied()
    }
}

impl Member {
    fn is_running(&self) -> bool {
        self.service.is_some() && self.paused.is_none()
    }
}

fn start(pipeline: &Pipeline, name: &str, commit: &str) -> Service {
    pipeline.start_with(name, |config| {
        config.replacen("commit_interval = \"50ms\"", &format!("commit_interval = \"{commit}\""), 1)
    })
}

fn stop(service: Service) {
    let (status, took) = service.terminate();
    // Before it listens to signals, one ends it as it does any program.
    let is_early = status.signal() == Some(15);
    assert!(status.code() == Some(0) || is_early, "a stop ended with {status}");
    assert!(took < STOP_MAX, "a stop took {took:?}");
}
