//! Questions to certain nodes, this one among them, beside a connection's own input and output.

use std::rc::Rc;

use super::Connection;
use super::replies::{Told, take};
use super::settle::request_of;
use crate::cluster::{Pass, Question, inner};
use crate::node::view::NodeIndex;
use crate::resp::{Protocol, Reply};
use crate::types::Database;

impl Connection {
    /// Asks them all at once; what each has answered, or `None`: it has not, or not in time.
    pub(super) async fn ask(&mut self, questions: &[Question]) -> Vec<Option<Told>> {
        let worker = Rc::clone(&self.worker);
        let protocol = std::mem::replace(&mut self.session.protocol, Protocol::Resp2);
        let deadline = worker.node.clock.now() + self.patience();
        let mut pass = Pass::default();
        {
            let mut plane = worker.plane.borrow_mut();
            plane.refresh(&mut worker.stage.borrow_mut());
            for question in questions.iter().filter(|one| one.to != NodeIndex::ME) {
                plane.ask(&self.session, question, &mut pass);
            }
        }
        worker.want_fan_out();
        let mut told: Vec<Option<Told>> = Vec::with_capacity(questions.len());
        for question in questions {
            told.push(match question.to {
                NodeIndex::ME => self.ask_here(question).await,
                _ => None,
            });
        }
        worker.settle(&mut pass, deadline).await;
        let mut answers = pass.take_answers().into_iter();
        for (question, told) in questions.iter().zip(&mut told) {
            if question.to != NodeIndex::ME {
                let answer = answers.next().flatten();
                *told = answer.and_then(|reply| take(&reply).map(|(told, _)| told));
            }
        }
        self.session.protocol = protocol;
        told
    }

    async fn ask_here(&mut self, question: &Question) -> Option<Told> {
        let reply = if question.inner {
            self.inner_here(question).await
        } else {
            let words = question.words.iter().map(|word| &**word);
            self.here = true;
            let reply = self.aside(vec![request_of(words)]).await;
            self.here = false;
            reply
        };
        take(&reply).map(|(told, _)| told)
    }

    async fn inner_here(&mut self, question: &Question) -> Vec<u8> {
        let worker = Rc::clone(&self.worker);
        loop {
            let mut out = Vec::new();
            let cold = {
                let stage = &mut *worker.stage.borrow_mut();
                let mut reply = Reply::new(&mut out, Protocol::Resp2);
                let (database, words) = (self.session.database, &question.words);
                let cold = inner::answer(&worker.node, stage, database, words, &mut reply);
                worker.add_sums(stage);
                cold
            };
            match cold {
                Some(key) => worker.node.load(self.session.database, &key).await,
                None => return out,
            }
        }
    }

    /// Runs requests as if the client had sent them, in a database, whatever it has selected; what
    /// came, taken apart.
    pub(super) async fn run_in(&mut self, database: Database, requests: Vec<Vec<u8>>) -> Vec<Told> {
        let protocol = std::mem::replace(&mut self.session.protocol, Protocol::Resp2);
        let before = std::mem::replace(&mut self.session.database, database);
        let replies = self.aside(requests).await;
        self.session.database = before;
        self.session.protocol = protocol;
        super::replies::take_all(&replies)
    }
}

/// A reply from what it is made of.
pub(super) fn tell(reply: &mut Reply<'_>, told: &Told) {
    match told {
        Told::Simple(text) => reply.simple(&String::from_utf8_lossy(text)),
        Told::Error(whole) => reply.raw(whole),
        Told::Integer(value) => reply.integer(*value),
        Told::Bulk(Some(bytes)) => reply.bulk(bytes),
        Told::Bulk(None) => reply.null(),
        Told::Array(all) => {
            reply.array(all.len());
            all.iter().for_each(|one| tell(reply, one));
        }
    }
}
