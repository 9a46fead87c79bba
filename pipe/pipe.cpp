#include <utility>

#include <annulus/pipe/pipe.hpp>

namespace annulus {
namespace {

std::size_t bytes_of(pieces parts) noexcept {
  std::size_t bytes = 0;
  for (const auto& one : parts) bytes += one.size();
  return bytes;
}

result<pipes::roles> map_roles(const named_pipe& of) {
  return pipes::roles::map(of.roles_file(), of.geometry(), false, of.name());
}

}  // namespace

// The producer.

result<pipe_producer> pipe_producer::attach(const named_pipe& to, waiting how) {
  auto held = map_roles(to);
  if (!held) return held.error();
  auto made = pipes::outflow::make(std::move(*held), to.file(), how);
  if (!made) return made.error();
  return pipe_producer(std::move(*made));
}

pipe_producer& pipe_producer::operator=(pipe_producer&& other) noexcept {
  if (this == &other) return *this;
  close();
  core_ = std::move(other.core_);
  watch_ = std::move(other.watch_);
  return *this;
}

pipe_producer::claim_type pipe_producer::try_claim(std::size_t bytes) noexcept {
  const auto running = watch_.enter("try_claim");
  auto made = core_ ? core_->try_claim(bytes) : claim_type(status::not_permitted);
  watch_.opened(made);
  return made;
}
pipe_producer::claim_type pipe_producer::claim(std::size_t bytes, deadline until) noexcept {
  const auto running = watch_.enter("claim");
  auto made = core_ ? core_->claim(bytes, until) : claim_type(status::not_permitted);
  watch_.opened(made);
  return made;
}
status pipe_producer::try_push(message one) noexcept {
  const auto running = watch_.enter("try_push");
  return core_ ? core_->try_push(pipes::source(one), one.size()) : status::not_permitted;
}
status pipe_producer::try_push(pieces parts) noexcept {
  const auto running = watch_.enter("try_push");
  return core_ ? core_->try_push(pipes::source(parts), bytes_of(parts)) : status::not_permitted;
}
status pipe_producer::push(message one, deadline until) noexcept {
  const auto running = watch_.enter("push");
  return core_ ? core_->push(pipes::source(one), one.size(), until) : status::not_permitted;
}
status pipe_producer::push(pieces parts, deadline until) noexcept {
  const auto running = watch_.enter("push");
  return core_ ? core_->push(pipes::source(parts), bytes_of(parts), until) : status::not_permitted;
}
status pipe_producer::push_or_drop(message one) noexcept {
  const auto running = watch_.enter("push_or_drop");
  return core_ ? core_->push_or_drop(one) : status::not_permitted;
}
batch pipe_producer::try_push_batch(messages many) noexcept {
  const auto running = watch_.enter("try_push_batch");
  return core_ ? core_->try_push_batch(many) : batch{0, status::not_permitted};
}
batch pipe_producer::push_batch(messages many, deadline until) noexcept {
  const auto running = watch_.enter("push_batch");
  return core_ ? core_->push_batch(many, until) : batch{0, status::not_permitted};
}
void pipe_producer::abandon_claim() noexcept {
  const auto running = watch_.enter("abandon_claim");
  if (core_) core_->abort_claim();
  watch_.abandoned();
}
bool pipe_producer::owes() const noexcept { return core_ && core_->owes(); }
presence pipe_producer::peer() noexcept { return core_ ? core_->peer() : presence::never_came; }
void pipe_producer::interrupt() noexcept {
  if (core_) core_->interrupt();
}
void pipe_producer::close() noexcept {
  const auto running = watch_.enter("close");
  watch_.closed();
  if (core_) core_->close();
}
std::size_t pipe_producer::max_message() const noexcept { return core_ ? core_->max_message() : 0; }
std::size_t pipe_producer::most_at_once() const noexcept {
  return core_ ? core_->most_at_once() : 0;
}
std::uint32_t pipe_producer::number() const noexcept { return core_ ? core_->number() : 0; }

// The consumer.

result<pipe_consumer> pipe_consumer::attach(const named_pipe& to, waiting how) {
  auto held = map_roles(to);
  if (!held) return held.error();
  auto made = pipes::inflow::make(std::move(*held), to.file(), how);
  if (!made) return made.error();
  return pipe_consumer(std::move(*made));
}

pipe_consumer& pipe_consumer::operator=(pipe_consumer&& other) noexcept {
  if (this == &other) return *this;
  close();
  core_ = std::move(other.core_);
  watch_ = std::move(other.watch_);
  return *this;
}

view pipe_consumer::try_read() noexcept {
  const auto running = watch_.enter("try_read");
  return core_ ? core_->try_read() : view(status::not_permitted);
}
view pipe_consumer::read(deadline until) noexcept {
  const auto running = watch_.enter("read");
  return core_ ? core_->read(until) : view(status::not_permitted);
}
void pipe_consumer::release() noexcept {
  const auto running = watch_.enter("release");
  if (core_) core_->release();
}
presence pipe_consumer::peer() noexcept { return core_ ? core_->peer() : presence::never_came; }
std::optional<stall> pipe_consumer::stalled_by() const noexcept {
  return core_ ? core_->stalled_by() : std::nullopt;
}
message_mark pipe_consumer::mark() const noexcept { return core_ ? core_->mark() : message_mark{}; }
std::optional<damage> pipe_consumer::last_damage() const noexcept {
  return core_ ? core_->last_damage() : std::nullopt;
}
void pipe_consumer::interrupt() noexcept {
  if (core_) core_->interrupt();
}
void pipe_consumer::close() noexcept {
  const auto running = watch_.enter("close");
  if (core_) core_->close();
}
std::size_t pipe_consumer::max_message() const noexcept { return core_ ? core_->max_message() : 0; }

}  // namespace annulus
