//! stub
use serde::{Serialize,Deserialize};
#[derive(Clone,Debug,PartialEq,Serialize,Deserialize)] pub struct Baseline{m:f64,n:u64}
#[derive(Clone,Debug,Default)] pub struct BaselineParams{}
#[derive(Clone,Copy,Debug,PartialEq,Eq)] pub enum Regime{Warming,Stopped,Sparse,Lively}
#[derive(Clone,Copy,Debug,PartialEq)] pub struct Verdict{pub regime:Regime,pub typical:f64,pub lower:f64,pub upper:f64,pub p_upper:f64,pub p_lower:f64}
impl Baseline{ pub fn new(_:BaselineParams)->Self{Self{m:0.,n:0}} pub fn observe(&mut self,c:u64){self.n+=1;self.m+=(c as f64-self.m)/(self.n as f64).min(100.)} pub fn mean(&self)->f64{self.m}
pub fn judge(&self,c:u64)->Verdict{Verdict{regime:if self.n<30{Regime::Warming}else{Regime::Lively},typical:self.m,lower:0.,upper:self.m+3.*self.m.sqrt(),p_upper:if c as f64>self.m{(-(c as f64-self.m)).exp()}else{1.},p_lower:if (c as f64)<self.m{(-(self.m-c as f64)).exp()}else{1.}}}
pub fn silence_p_value(&self,w:u64)->f64{(-(w as f64)*self.m).exp()} }
#[derive(Clone,Debug,Default,PartialEq,Serialize,Deserialize)] pub struct Tail{n:u64,m:f64}
impl Tail{pub fn observe(&mut self,x:f64){self.n+=1;self.m=self.m.max(x)} pub fn p_value(&self,x:f64)->f64{if x>self.m+0.05{1e-5}else{0.5}} pub fn median(&self)->f64{0.45}}
