-- Changing many contacts at once, an archive that can be undone exactly, and merging two records of one person.

-- Archiving remembers what it stopped.
alter table public.campaign_enrollments add column before_archive jsonb;
comment on column public.campaign_enrollments.before_archive is
  'What it was when its contact was archived: status, reason and next_send_at; an undo puts it back.';

create or replace function private.stop_enrollments(p_contacts uuid[], p_reason text, p_now timestamptz) returns void
language sql security definer set search_path = '' as $$
  update public.campaign_enrollments e
  set status = 'stopped', reason = p_reason, ended_at = p_now, next_send_at = null, updated_at = p_now,
      before_archive = case when p_reason = 'archived'
        then jsonb_build_object('status', e.status, 'reason', e.reason, 'next_send_at', e.next_send_at) end
  where e.contact_id = any (p_contacts) and e.status in ('active', 'paused')
$$;

-- Many contacts at once. p_changes, a JSON text, carries one or more of contact_type, owner_id (null: nobody), add_tags,
-- remove_tags and archived (true or false). Outcomes: changed, unchanged (it was so already), not_yours, merged (it does
-- not come back out of the archive), gone.
create function public.change_contacts(p_contacts uuid[], p_changes text, p_now timestamptz)
returns table (contact_id uuid, outcome text)
language plpgsql security definer set search_path = '' set statement_timeout = '55s' as $$
declare
  wish jsonb := p_changes::jsonb;
  allowed uuid[] := private.changeable(p_contacts);
  added text[] := array(select jsonb_array_elements_text(wish -> 'add_tags'));
  removed text[] := array(select jsonb_array_elements_text(wish -> 'remove_tags'));
begin
  if wish - '{contact_type,owner_id,add_tags,remove_tags,archived}'::text[] <> '{}' then
    raise exception 'Only type, owner, tags and the archive are changed together.' using errcode = '22023';
  end if;
  perform set_config('mpt.now', p_now::text, true);
  -- All columns are written back: what somebody changes at the same moment must be seen first, and so must who may.
  perform from public.contacts c where c.id = any (allowed) order by c.id for no key update;
  allowed := private.changeable(p_contacts);
  return query
  with wanted as (
    select c.id, c.contact_type, c.owner_id, c.tags, c.archived_at, c.merged_into is not null as is_merged,
           coalesce(wish ->> 'contact_type', c.contact_type) as new_type,
           case when wish ? 'owner_id' then (wish ->> 'owner_id')::uuid else c.owner_id end as new_owner,
           array(select t from unnest(c.tags || added) with ordinality u (t, n)
                 where t <> all (removed) group by t order by min(n)) as new_tags,
           case wish -> 'archived' when 'true' then coalesce(c.archived_at, p_now)
             when 'false' then case when c.merged_into is not null then c.archived_at end
             else c.archived_at end as new_archived_at
    from public.contacts c where c.id = any (allowed)),
  written as (
    update public.contacts c
    set contact_type = w.new_type, owner_id = w.new_owner, tags = w.new_tags, archived_at = w.new_archived_at, updated_at = p_now
    from wanted w
    where c.id = w.id and (w.contact_type, w.owner_id, w.tags, w.archived_at)
      is distinct from (w.new_type, w.new_owner, w.new_tags, w.new_archived_at)
    returning c.id)
  select g.id, case when d.id is not null then 'changed'
                    when w.is_merged and wish -> 'archived' = 'false' then 'merged'
                    when w.id is not null then 'unchanged'
                    when private.is_staff() and not exists (select from public.contacts c where c.id = g.id) then 'gone'
                    else 'not_yours' end
  from (select u.id, min(u.n) as place from unnest(p_contacts) with ordinality u (id, n) group by u.id) g
  left join wanted w on w.id = g.id left join written d on d.id = g.id order by g.place;
end
$$;

-- Pause, resume or stop whatever runs for these contacts. Outcomes: changed, nothing_runs (nothing is paused, when
-- resuming), stays_paused (something else keeps it from running), not_yours.
create function public.change_campaigns_of(p_contacts uuid[], p_action text, p_now timestamptz)
returns table (contact_id uuid, outcome text)
language plpgsql security definer set search_path = '' set statement_timeout = '55s' as $$
declare
  allowed uuid[] := private.changeable(p_contacts);
  meant uuid[];
begin
  meant := array(
    select e.id from public.campaign_enrollments e
    where e.contact_id = any (allowed)
      and (e.status = 'active' and p_action <> 'resume' or e.status = 'paused' and p_action <> 'pause'));
  perform public.change_enrollments(meant, p_action, p_now);
  return query
  with touched as (
    select e.contact_id, bool_or(e.status <> 'paused' or p_action <> 'resume') as done
    from public.campaign_enrollments e where e.id = any (meant) group by e.contact_id)
  select g.id, case when g.id <> all (allowed) then 'not_yours' when t.done then 'changed'
                    when t.contact_id is not null then 'stays_paused' else 'nothing_runs' end
  from (select u.id, min(u.n) as place from unnest(p_contacts) with ordinality u (id, n) group by u.id) g
  left join touched t on t.contact_id = g.id order by g.place;
end
$$;

-- Takes back an archiving: the contacts archived at that very moment, and what ran for them, as it was. A campaign stays
-- stopped where something happened meanwhile that ends it: a reply, a wish to stop, another type.
-- Outcomes: restored, not_yours, unchanged (it is not archived, or was archived at another time).
create function public.undo_archive(p_contacts uuid[], p_archived_at timestamptz, p_now timestamptz)
returns table (contact_id uuid, outcome text)
language plpgsql security definer set search_path = '' set statement_timeout = '55s' as $$
declare
  allowed uuid[] := private.changeable(p_contacts);
  back uuid[];
  revived uuid[];
begin
  perform set_config('mpt.now', p_now::text, true);
  with taken_out as (
    update public.contacts c set archived_at = null, updated_at = p_now
    where c.id = any (allowed) and c.archived_at = p_archived_at and c.merged_into is null
    returning c.id)
  select array_agg(t.id) into back from taken_out t;

  with revivable as (
    select e.id, e.before_archive as was
    from public.campaign_enrollments e join public.contacts c on c.id = e.contact_id
    where e.contact_id = any (back) and e.status = 'stopped' and e.reason = 'archived'
      and e.ended_at = p_archived_at and e.before_archive is not null
      and c.email_status = 'ok' and c.email is not null
      and not exists (select from public.suppressions s where s.email = c.email)
      and not exists (select from public.email_events v
                      where v.contact_id = c.id and v.event = 'reply' and v.received_at >= p_archived_at)
      and not (e.is_type_campaign and exists (
        select from public.type_changes y where y.contact_id = c.id and y.changed_at >= p_archived_at))),
  written as (
    update public.campaign_enrollments e
    set status = r.was ->> 'status', reason = r.was ->> 'reason', ended_at = null, updated_at = p_now,
        next_send_at = (r.was ->> 'next_send_at')::timestamptz, before_archive = null
    from revivable r where r.id = e.id
    returning e.id)
  select array_agg(w.id) into revived from written w;
  -- An e-mail was under way when it was archived: on from where that led.
  perform private.go_on(array(
    select e.id from public.campaign_enrollments e
    where e.id = any (revived) and e.next_send_at is null and e.reason <> 'send_failed' and not exists (
      select from public.email_sends s
      where s.contact_id = e.contact_id and s.campaign_id = e.campaign_id and s.run = e.run and s.step = e.next_step
        and s.status in ('claimed', 'handed_over', 'unconfirmed'))), p_now);
  return query
  select g.id, case when g.id = any (back) then 'restored' when g.id = any (allowed) then 'unchanged' else 'not_yours' end
  from (select u.id, min(u.n) as place from unnest(p_contacts) with ordinality u (id, n) group by u.id) g
  order by g.place;
end
$$;

-- Merging. One record is kept; the other is archived for good and points to it. What happened stays where it was written,
-- and both together are a family: one person. Chains are flattened, so merged_into always names the kept one.
alter table public.contacts add column merged_into uuid references public.contacts (id) on delete cascade;
comment on column public.contacts.merged_into is 'The contact this one was merged into; written by merge_contacts() alone.';
create index contacts_merged_into on public.contacts (merged_into) where merged_into is not null;

-- Not security definer: it asks under which role the change is made.
create function private.guard_merged() returns trigger
language plpgsql set search_path = '' as $$
begin
  if current_user in ('anon', 'authenticated', 'service_role')
     and (tg_op = 'INSERT' or new.merged_into is distinct from old.merged_into) then
    raise exception 'Contacts are merged by the function for it.' using errcode = 'MP006';
  end if;
  if new.archived_at is null then
    raise exception 'This contact was merged into another and does not come back by itself.' using errcode = 'MP006';
  end if;
  return new;
end
$$;
create trigger guard_merged_added before insert on public.contacts
  for each row when (new.merged_into is not null) execute function private.guard_merged();
create trigger guard_merged before update of merged_into, archived_at on public.contacts
  for each row when (new.merged_into is not null or old.merged_into is not null)
  execute function private.guard_merged();

-- What the dropped one received would be forgotten, and sent to the kept one again.
create function private.guard_merged_erasure() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if exists (select from public.contacts where id = old.merged_into) then
    raise exception 'This contact was merged into another; erase that one, and it goes too.' using errcode = 'MP006';
  end if;
  return null;
end
$$;
create trigger guard_merged_erasure after delete on public.contacts
  for each row when (old.merged_into is not null) execute function private.guard_merged_erasure();

-- The kept one first, then all merged into it.
create function private.family_of(p_contact uuid) returns uuid[]
language sql stable security definer set search_path = '' as $$
  select array_agg(c.id order by c.merged_into is not null, c.id)
  from (select coalesce(p.merged_into, p.id) as id from public.contacts p where p.id = p_contact) kept
  join public.contacts c on c.id = kept.id or c.merged_into = kept.id
$$;
create function public.contact_family(p_contact uuid) returns setof uuid
language sql stable security definer set search_path = '' as $$
  select unnest(private.family_of(p_contact)) where private.acts_as_service() or private.is_staff()
$$;

-- Whether an e-mail to a merged contact counts for whoever it was merged into: it reached the person, or may have, or
-- was left out on purpose (one put back and sent later is settled anew). What failed or bounced did not reach them.
create function private.gone_through(p_send public.email_sends) returns boolean
language sql stable security definer set search_path = '' as $$
  select p_send.status in ('handed_over', 'accepted', 'delivered', 'unconfirmed')
    or (p_send.status = 'failed' and exists (
      select from public.drip_decisions d
      where d.contact_id = p_send.contact_id and d.campaign_id = p_send.campaign_id and d.step = p_send.step
        and d.decided_at = p_send.settled_at and d.reason in ('skipped_by_user', 'step_expired')))
$$;

-- As before, and what a merged contact went through in this run or a later one counts as well.
create or replace function private.next_unreceived(p_contact uuid, p_campaign uuid, p_run integer)
returns table (step smallint, delay_days smallint, last_sent_at timestamptz)
language sql stable security definer set search_path = '' as $$
  with sent as (
    select s.step, coalesce(s.handed_over_at, s.claimed_at) as sent_at
    from public.email_sends s
    where s.contact_id = p_contact and s.campaign_id = p_campaign and s.run = p_run
      and s.status not in ('claimed', 'retry')
    union all
    select s.step, coalesce(s.handed_over_at, s.claimed_at)
    from public.contacts m join public.email_sends s on s.contact_id = m.id
    where m.merged_into = p_contact and s.campaign_id = p_campaign and s.run >= p_run and private.gone_through(s)),
  received as (
    select max(t.position) as position, max(s.sent_at) as sent_at
    from sent s
    left join public.drip_campaign_templates t
      on t.campaign_id = p_campaign and t.step = s.step and t.status = 'published')
  select t.step, t.delay_days, r.sent_at
  from received r
  join public.drip_campaign_templates t on t.campaign_id = p_campaign and t.status = 'published'
    and t.position > coalesce(r.position, 0)
  where not exists (select from sent s where s.step = t.step)
  order by t.position limit 1
$$;

-- As before, over the family: a run begins behind all that merged contacts went through.
create or replace function private.guard_enrollment_runs() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  -- "Is not distinct from", so that only the contact is looked up: with both in an index's reach, the planner read everybody
  -- of the campaign for each of fifty thousand new enrollments.
  if exists (
    select from added a
    cross join lateral (
      select max(o.run) as run, max(o.run) filter (where o.id = a.restarted_from) as restarted
      from public.campaign_enrollments o
      where o.contact_id = a.contact_id and o.campaign_id is not distinct from a.campaign_id
        and o.id not in (select x.id from added x)) own
    cross join lateral (
      select greatest(own.run, max(o.run)) as run
      from public.contacts m join public.campaign_enrollments o on o.contact_id = m.id
      where m.merged_into = a.contact_id and o.campaign_id is not distinct from a.campaign_id) family
    where case
      -- Of somebody else's enrollment there is no run, and the restart is refused.
      when a.restarted_from is not null then own.restarted is null or a.run is distinct from family.run + 1
      else a.run not between coalesce(own.run, 1) and coalesce(family.run, 1) end) then
    raise exception 'The run of an enrollment grows only by an explicit restart.' using errcode = 'MP004';
  end if;
  return null;
end
$$;

-- As before, but the run is one the whole family has not been in.
create or replace function public.restart_enrollment(p_enrollment uuid, p_now timestamptz) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  old public.campaign_enrollments;
  latest integer;
  fresh uuid;
begin
  select * into old from public.campaign_enrollments where id = p_enrollment for update;
  if old.id is null or cardinality(private.changeable(array[old.contact_id])) = 0 then
    raise exception 'You may not restart this enrollment.' using errcode = '42501';
  end if;
  select max(run) into latest from public.campaign_enrollments
  where contact_id = old.contact_id and campaign_id = old.campaign_id;
  if latest <> old.run then
    raise exception 'This enrollment was restarted already.' using errcode = 'MP004';
  end if;
  if exists (select from public.contacts where id = old.contact_id
             and (archived_at is not null or email_status <> 'ok' or email is null)) then
    raise exception 'This contact may not be written to.' using errcode = 'MP006';
  end if;
  select max(e.run) into latest from public.campaign_enrollments e
  where e.contact_id = any (private.family_of(old.contact_id)) and e.campaign_id = old.campaign_id;
  update public.campaign_enrollments
  set status = 'stopped', reason = 'restarted', ended_at = p_now, next_send_at = null, updated_at = p_now
  where id = old.id and status in ('active', 'paused');
  insert into public.campaign_enrollments
    (contact_id, campaign_id, is_type_campaign, run, restarted_from, next_step, next_send_at, source, enrolled_at, updated_at)
  select old.contact_id, old.campaign_id, old.is_type_campaign, latest + 1, old.id, t.step,
         p_now + t.delay_days * interval '1 day', 'manual', p_now, p_now
  from public.drip_campaign_templates t
  where t.campaign_id = old.campaign_id and t.status = 'published'
  order by t.position limit 1
  returning id into fresh;
  if fresh is null then
    raise exception 'This campaign has no published e-mails.' using errcode = 'MP006';
  end if;
  return fresh;
end
$$;

-- As before, for those that begin to run: a merge also notes what somebody opted out of as another contact.
create or replace function private.on_enrollments_added() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.activities (contact_id, occurred_at, kind, summary, actor_id, enrollment_id)
  select a.contact_id, a.enrolled_at, 'enrolled',
         case when a.restarted_from is null then 'Enrolled in ' else 'Restarted in ' end || d.name,
         a.enrolled_by, a.id
  from added a join public.drip_campaigns d on d.id = a.campaign_id
  where a.reason <> 'opted_out';
  return null;
end
$$;

-- As before, and for whoever the contact was merged into: the e-mail that did not go out is theirs to receive.
create or replace function private.due_again(p_sends uuid[], p_now timestamptz) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  freed bigint;
begin
  update public.campaign_enrollments e set next_step = s.step, next_send_at = p_now, updated_at = p_now
  from public.email_sends s join public.contacts c on c.id = s.contact_id
  where s.id = any (p_sends) and e.contact_id = coalesce(c.merged_into, c.id) and e.campaign_id = s.campaign_id and e.run = s.run
    and e.status in ('active', 'paused')
    and (e.next_step = s.step or (e.next_send_at is not null and not exists (
      select from public.email_sends o
      where o.contact_id in (s.contact_id, e.contact_id) and o.campaign_id = s.campaign_id and o.run = s.run and o.id <> s.id
        and o.status not in ('claimed', 'retry') and o.handed_over_at > s.handed_over_at)));
  get diagnostics freed = row_count;
  return freed;
end
$$;

-- Who said stop under one record said it under all: whichever program writes it.
create function private.tell_family() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update public.contacts c
  set email_status = new.email_status, email_status_reason = new.email_status_reason,
      email_status_at = new.email_status_at, updated_at = private.clock()
  where c.id = any (private.family_of(new.id)) and c.id <> new.id
    and private.weight_of(c.email_status) < private.weight_of(new.email_status);
  return null;
end
$$;
create trigger tell_family after update of email_status on public.contacts
  for each row when (old.email_status <> new.email_status and new.email_status in ('unsubscribed', 'complained'))
  execute function private.tell_family();

-- As before, for every record of the person.
create or replace function private.stop_person(p_contact uuid, p_reason text, p_source text, p_now timestamptz) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  family uuid[] := private.family_of(p_contact);
begin
  perform set_config('mpt.now', p_now::text, true);
  update public.contacts
  set email_status = 'unsubscribed', email_status_reason = p_reason, email_status_at = p_now, updated_at = p_now
  where id = any (family) and email_status not in ('unsubscribed', 'complained');
  insert into public.suppressions (email, reason, source, created_at)
  select distinct s.to_email, 'unsubscribed', p_source, p_now from public.email_sends s
  where s.contact_id = any (family) and s.handed_over_at is not null
  on conflict (email) do update set reason = excluded.reason
    where private.is_weaker(suppressions.reason, excluded.reason);
  return family is not null;
end
$$;

-- No more e-mails of this campaign for this contact; p_ever says whether it must have been in it. False if it was not.
create function private.opt_out(p_contact uuid, p_campaign uuid, p_ever boolean, p_now timestamptz) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  latest uuid;
  fresh boolean;
begin
  select e.id into latest from public.campaign_enrollments e
  where e.contact_id = p_contact and e.campaign_id = p_campaign
  order by e.run desc, e.status in ('active', 'paused') desc, e.enrolled_at desc limit 1 for update;
  if latest is null and p_ever then
    return false;
  end if;
  update public.campaign_enrollments e
  set status = case when e.status in ('active', 'paused') then 'stopped' else e.status end, reason = 'opted_out',
      ended_at = coalesce(e.ended_at, p_now), next_send_at = null, updated_at = p_now
  where e.id = latest and e.reason <> 'opted_out';
  fresh := found;
  if latest is null then
    insert into public.campaign_enrollments
      (contact_id, campaign_id, is_type_campaign, status, reason, source, enrolled_by, enrolled_at, ended_at, updated_at)
    select p_contact, d.id, d.is_type_campaign, 'stopped', 'opted_out', 'event', null, p_now, p_now, p_now
    from public.drip_campaigns d where d.id = p_campaign
    returning id into latest;
    fresh := true;
  end if;
  if fresh then
    insert into public.activities (contact_id, occurred_at, kind, summary, enrollment_id)
    select p_contact, p_now, 'unsubscribed', 'Asked for no more e-mails of ' || d.name, latest
    from public.drip_campaigns d where d.id = p_campaign;
  end if;
  return true;
end
$$;

-- As before. The link stands in an e-mail to a contact that may have been merged since: the kept one follows it.
create or replace function public.choose_preference(p_contact uuid, p_campaign text, p_choice text, p_now timestamptz)
returns boolean language plpgsql security definer set search_path = '' as $$
declare
  family uuid[] := private.family_of(p_contact);
  campaign uuid;
begin
  perform set_config('mpt.now', p_now::text, true);
  if p_choice = 'everything' then
    return private.stop_person(p_contact, 'Chose no more e-mails on the preference page.', 'link', p_now);
  elsif p_choice = 'pause' then
    -- Pressed again a moment later it is the same pause, not a longer one.
    if private.keep_quiet(family[1], date_trunc('day', p_now, 'UTC') + 31 * interval '24 hours', 'asked_for_a_pause', p_now) then
      insert into public.activities (contact_id, occurred_at, kind, summary)
      values (family[1], p_now, 'quiet', 'Asked for a pause of 30 days on the preference page');
    end if;
    return family is not null;
  elsif p_choice <> 'this_campaign' then
    raise exception 'Unknown choice %: use this_campaign, pause or everything.', p_choice using errcode = '22023';
  end if;
  select d.id into campaign from public.drip_campaigns d where d.key = p_campaign;
  return campaign is not null and family is not null and private.opt_out(family[1], campaign, not exists (
    select from public.campaign_enrollments e
    where e.contact_id = any (family) and e.contact_id <> family[1] and e.campaign_id = campaign), p_now);
end
$$;

-- As before, and a reply to an e-mail of a merged contact is the kept one's.
create or replace function public.record_reply(
  p_message_id text, p_sender text, p_kind text, p_subject text, p_text text, p_occurred_at timestamptz,
  p_quiet_until timestamptz, p_now timestamptz)
returns text language plpgsql security definer set search_path = '' as $$
declare
  person uuid;
  by_hand boolean := p_kind in ('person', 'remove_me');
  headline text := coalesce(nullif(btrim(p_subject), ''), 'no subject');
begin
  if p_kind not in ('person', 'remove_me', 'out_of_office', 'automatic') then
    raise exception 'Unknown kind of reply: %.', p_kind using errcode = '22023';
  end if;
  perform set_config('mpt.now', p_now::text, true);
  -- One at a time a message: SendGrid may deliver it twice at once.
  perform pg_advisory_xact_lock(hashtextextended(p_message_id, 0));
  -- The id is the sender's to choose, so it counts with the sender.
  if exists (select from public.email_events
             where message_id = p_message_id and event in ('reply', 'auto_reply') and email = lower(btrim(p_sender))) then
    return 'repeated';
  end if;
  -- Locked, so that a merge going on just now is waited for.
  select coalesce(c.merged_into, c.id) into person
  from public.contacts c where c.email = lower(btrim(p_sender)) for key share;
  if person is null then
    select coalesce(c.merged_into, c.id) into person
    from public.former_addresses f join public.contacts c on c.id = f.contact_id
    where f.email = lower(btrim(p_sender)) order by f.replaced_at desc limit 1 for key share of c;
  end if;
  if person is null and p_kind = 'remove_me' then
    -- Erased, or never known: the wish stands all the same.
    perform public.add_suppressions(array[p_sender], array['unsubscribed'], 'reply', p_now);
  end if;
  if person is null then
    return 'unknown_sender';
  end if;
  if p_kind = 'remove_me' then
    perform private.stop_person(person, 'Asked in a reply to be removed.', 'reply', p_now);
  end if;
  insert into public.email_events (contact_id, event, occurred_at, message_id, email, reason, payload, received_at)
  values (person, case when by_hand then 'reply' else 'auto_reply' end, p_occurred_at, p_message_id,
          lower(btrim(p_sender)), left(headline, 500), jsonb_build_object('kind', p_kind), p_now);
  insert into public.activities (contact_id, occurred_at, kind, summary)
  values (person, p_occurred_at, case when by_hand then 'reply' else 'auto_reply' end,
          left(case when by_hand then 'Replied: ' else 'Automatic reply: ' end || headline
               || case when btrim(p_text) <> '' then E'\n\n' || btrim(p_text) else '' end, 10000));
  if p_kind = 'out_of_office' and p_quiet_until > p_now
     and private.keep_quiet(person, p_quiet_until, 'out_of_office', p_now) then
    insert into public.activities (contact_id, occurred_at, kind, summary)
    values (person, p_now, 'quiet', 'Out of office: nothing is sent before '
            || to_char(p_quiet_until at time zone 'UTC', 'FMDD Mon YYYY'));
  end if;
  return 'stored';
end
$$;

-- As before, and an event of a merged contact's e-mail is the kept one's.
create or replace function public.record_events(p_events text, p_now timestamptz)
returns table (stored bigint, repeated bigint, "foreign" bigint)
language plpgsql security definer set search_path = '' set enable_seqscan = off set statement_timeout = '55s' as $$
begin
  perform set_config('mpt.now', p_now::text, true);
  -- Heard of, whoever the events are about; once a minute is often enough.
  update public.app_settings a set value = to_jsonb(p_now), updated_at = p_now
  where a.key = 'events_heard_at' and (a.value = 'null' or (a.value #>> '{}')::timestamptz < p_now - interval '1 minute');
  with incoming as (
    select i.*, nullif(i.send_id, '')::uuid as ours
    from jsonb_to_recordset(p_events::jsonb) as i (
      event text, occurred_at timestamptz, email text, send_id text, request_id text, message_id text,
      provider_event_id text, url text, attempt text, reason text, user_agent text, ip text,
      says_machine boolean, payload jsonb)),
  known as (
    select i.*, s.id as send, coalesce(c.merged_into, c.id) as contact
    from incoming i
    left join public.email_sends s on s.id = i.ours
    left join public.contacts c
      on c.id = coalesce(s.contact_id, (select a.id from public.contacts a where s.id is null and a.email = i.email))),
  inserted as (
    insert into public.email_events
      (send_id, contact_id, event, occurred_at, message_id, email, url, attempt, reason, provider_event_id,
       request_id, user_agent, ip, says_machine, payload, received_at)
    select k.send, k.contact, k.event, k.occurred_at, k.message_id, k.email, k.url, k.attempt, k.reason,
           k.provider_event_id, nullif(k.request_id, '')::uuid, k.user_agent, k.ip, k.says_machine, k.payload, p_now
    from known k where k.contact is not null
    order by k.message_id, k.event, k.occurred_at, k.email, k.url, k.attempt
    on conflict on constraint same_event_once do nothing
    returning 1),
  stopped as (
    insert into public.suppressions (email, reason, source, created_at)
    select distinct on (x.email) x.email, x.reason, 'event', p_now
    from (
      select k.email, case
          when k.event = 'spamreport' or (k.event = 'dropped' and k.reason ilike 'spam reporting address%') then 'complaint'
          when k.event = 'bounce' or (k.event = 'dropped' and k.reason ilike 'bounced address%') then 'hard_bounce'
          else 'unsubscribed' end as reason
      from known k
      where k.contact is null and k.ours is not null and k.email <> ''
        and (k.event in ('spamreport', 'bounce', 'unsubscribe', 'group_unsubscribe')
             or (k.event = 'dropped' and k.reason ~* '^(spam reporting|bounced|unsubscribed) address'))) x
    order by x.email, array_position('{complaint,unsubscribed,hard_bounce}', x.reason)
    on conflict (email) do update set reason = excluded.reason
      where private.is_weaker(suppressions.reason, excluded.reason))
  select (select count(*) from inserted), count(*) filter (where k.contact is not null) - (select count(*) from inserted),
         count(*) filter (where k.contact is null)
  into stored, repeated, "foreign" from known k;
  return next;
end
$$;

-- As before, and an address of a merged contact leads to the kept one.
create or replace function private.match_import_rows() returns void
language plpgsql set search_path = '' as $$
begin
  update pg_temp.import_rows r set contact_id = coalesce(c.merged_into, c.id), outcome = coalesce(r.outcome, 'known')
  from public.contacts c where r.contact_id is null and c.email = r.email;
  update pg_temp.import_rows r set contact_id = coalesce(c.merged_into, c.id), outcome = coalesce(r.outcome, 'known')
  from public.contacts c
  where r.contact_id is null and r.email is null and c.email is null and lower(c.last_name) = lower(r.last_name)
    and lower(c.first_name) = lower(r.first_name) and lower(c.company_name) = lower(r.company_name);
end
$$;

-- As before, and nobody is sent what a contact merged into them went through, whatever moved their place meanwhile; nor
-- more on one day than one person may get.
create or replace function public.claim_due(
  p_now timestamptz, p_limit integer, p_lease_seconds integer, p_run bigint, p_token uuid)
returns table (
  send_id uuid, enrollment_id uuid, contact_id uuid, campaign_id uuid, template_id uuid, step smallint,
  email text, first_name text, last_name text, company_name text, job_title text,
  industry text, city text, country text, time_zone text,
  owner_name text, owner_email text, owner_phone text, recent_sends timestamptz[], expires_at timestamptz)
language plpgsql set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
set statement_timeout = '55s' as $$
declare
  turn record;
  claimed uuid[];
  on_their_way uuid[];
  willing uuid[];
  behind uuid[];
  taken integer;
  -- What this run has claimed and not handed over yet will take its place in the day; the rest is left in peace.
  room integer := private.account_room(p_now);
begin
  if room > 0 then
    room := greatest(room - (
      select count(*) from public.email_sends s where s.scheduler_run_id = p_run and s.status = 'claimed'), 0);
  end if;
  if room = 0 or exists (select from public.app_settings where key = 'sending_halt' and value <> 'null') then
    return;
  end if;
  for turn in
    select t.campaign_id, t.step, t.id as template_id,
           t.expires_after_days * interval '1 day' as useful_for
    from public.drip_campaigns d
    join public.drip_campaign_templates t on t.campaign_id = d.id and t.status = 'published'
    where d.status = 'active' and exists (
      select from public.campaign_enrollments e
      where e.campaign_id = t.campaign_id and e.next_step = t.step and e.status = 'active' and e.next_send_at <= p_now)
    order by d.id, t.position
  loop
    loop
      with due as materialized (
        -- The contact is locked with its enrollment: two schedulers cannot pass its daily cap at once,
        -- and nobody archives it between this check and the claim.
        select e.id, e.contact_id, e.run, e.next_send_at, c.email, c.quiet_until,
               case when c.archived_at is not null or c.email_status <> 'ok' or c.email is null
                      or exists (select from public.suppressions s where s.email = c.email) then 'stopped'
                    when c.quiet_until > p_now then 'quiet'
                    -- Nearly nobody was merged with another, and the index says so at once.
                    when exists (
                      select from public.contacts m join public.email_sends s on s.contact_id = m.id
                      where m.merged_into = c.id and s.campaign_id = turn.campaign_id and s.step = turn.step and s.run >= e.run
                        and private.gone_through(s)) then 'received'
                    else 'eligible' end as standing
        from public.campaign_enrollments e
        join public.contacts c on c.id = e.contact_id
        where e.campaign_id = turn.campaign_id and e.next_step = turn.step
          and e.status = 'active' and e.next_send_at <= p_now
        order by e.next_send_at
        limit least(p_limit, room)
        for no key update of e, c skip locked),
      under_way as (
        update public.campaign_enrollments e set next_send_at = null, updated_at = p_now
        from due where e.id = due.id and due.standing = 'eligible'),
      resting as (
        update public.campaign_enrollments e set next_send_at = due.quiet_until, updated_at = p_now
        from due where e.id = due.id and due.standing = 'quiet'),
      stopped as (
        update public.campaign_enrollments e
        set status = 'stopped', reason = 'suppressed', ended_at = p_now, next_send_at = null, updated_at = p_now
        from due where e.id = due.id and due.standing = 'stopped'),
      told as (
        insert into public.drip_decisions
          (contact_id, enrollment_id, campaign_id, step, decided_at, reason, explanation, until, scheduler_run_id)
        select due.contact_id, due.id, turn.campaign_id, turn.step, p_now,
               case due.standing when 'quiet' then 'quiet' when 'received' then 'already_received' else 'not_eligible' end,
               case due.standing when 'quiet' then 'The contact is not to be written to for a while.'
                 when 'received' then
                   'A contact merged into this one received this e-mail or had it left out; it is not sent.'
                 else 'This contact may not be written to: archived, unsubscribed or on the suppression list.' end,
               case due.standing when 'quiet' then due.quiet_until end, p_run
        from due where due.standing <> 'eligible'),
      inserted as (
        insert into public.email_sends as s
          (enrollment_id, contact_id, campaign_id, step, run, template_id, to_email,
           lease_token, lease_until, claimed_at, scheduler_run_id, due_at)
        select due.id, due.contact_id, turn.campaign_id, turn.step, due.run, turn.template_id, due.email,
               p_token, p_now + p_lease_seconds * interval '1 second', p_now, p_run, due.next_send_at
        from due where due.standing = 'eligible'
        on conflict on constraint one_email_a_step_and_run do update
          set status = 'claimed', enrollment_id = excluded.enrollment_id, template_id = excluded.template_id,
              to_email = excluded.to_email, lease_token = excluded.lease_token, lease_until = excluded.lease_until,
              claimed_at = excluded.claimed_at, scheduler_run_id = excluded.scheduler_run_id,
              attempts = s.attempts + 1, retry_at = null, held_at = null, reason = '',
              handed_over_at = null, request_id = null, settled_at = null,
              -- Enrolled again is due again; put off is not.
              due_at = case when s.enrollment_id = excluded.enrollment_id then s.due_at else excluded.due_at end,
              -- Should a late report prove the attempt before, this is what it said.
              merge_values = case when s.template_id = excluded.template_id then s.merge_values end
          where s.status = 'retry'
        returning s.id, s.enrollment_id)
      select array(select i.id from inserted i), array(select i.enrollment_id from inserted i),
             array(select due.id from due where due.standing = 'eligible'), (select count(*) from due),
             array(select due.id from due where due.standing = 'received')
      into claimed, on_their_way, willing, taken, behind;
      if cardinality(behind) > 0 then
        perform private.go_on(behind, p_now);
      end if;

      -- Some of them have this e-mail already (in flight, held or received): they move on without it.
      if cardinality(willing) > cardinality(claimed) then
        perform private.skip_received(
          array(select unnest(willing) except select unnest(on_their_way)), p_now, p_run);
      end if;
      -- A batch in which nobody could be claimed must not hide the due ones behind it.
      exit when taken = 0 or cardinality(claimed) > 0;
    end loop;

    if cardinality(claimed) > 0 then
      update public.scheduler_runs
      set leased_until = greatest(leased_until, p_now + p_lease_seconds * interval '1 second') where id = p_run;
      return query
      -- A statement of its own, hence a fresh snapshot: it sees what another scheduler claimed for
      -- the same contact until the lock above was ours.
      select s.id, s.enrollment_id, s.contact_id, s.campaign_id, s.template_id, s.step,
             c.email, c.first_name, c.last_name, c.company_name, c.job_title, c.industry, c.city, c.country,
             c.time_zone, o.full_name, o.email, o.phone,
             (select array_agg(coalesce(r.handed_over_at, r.claimed_at)) from public.email_sends r
              where r.contact_id in (select s.contact_id union all
                                     select m.id from public.contacts m where m.merged_into = s.contact_id)
                and r.id <> s.id and r.status not in ('retry', 'failed')
                and coalesce(r.handed_over_at, r.claimed_at) > p_now - interval '48 hours'),
             s.due_at + turn.useful_for
      from public.email_sends s
      join public.contacts c on c.id = s.contact_id
      left join public.profiles o on o.id = c.owner_id
      where s.id = any (claimed);
      return;
    end if;
  end loop;
end
$$;

-- What belongs to a contact and may change hands. What happened (e-mails, events, the timeline) stays where it was written.
create function private.move_belongings(p_from uuid, p_to uuid) returns void
language plpgsql security definer set search_path = '' as $$
begin
  update public.projects set contact_id = p_to where contact_id = p_from;
  update public.discovery_submissions set contact_id = p_to where contact_id = p_from;
  update public.discovery_drafts set contact_id = p_to where contact_id = p_from;
  update public.networking_event_attendees k set notes = d.notes
  from public.networking_event_attendees d
  where k.contact_id = p_to and d.contact_id = p_from and d.event_id = k.event_id and k.notes = '';
  delete from public.networking_event_attendees d
  where d.contact_id = p_from and exists (
    select from public.networking_event_attendees k where k.contact_id = p_to and k.event_id = d.event_id);
  update public.networking_event_attendees set contact_id = p_to where contact_id = p_from;
end
$$;

-- The addresses change places where the dropped one's is wanted: both stay known, and neither stands twice.
create function private.swap_addresses(p_keep uuid, p_drop uuid, p_now timestamptz) returns void
language plpgsql security definer set search_path = '' as $$
declare
  kept public.contacts;
  dropped public.contacts;
begin
  select * into kept from public.contacts where id = p_keep;
  select * into dropped from public.contacts where id = p_drop;
  -- Without an address a contact needs a name.
  update public.contacts
  set email = null, updated_at = p_now,
      last_name = case when btrim(first_name || last_name) = '' then coalesce(nullif(kept.last_name, ''), 'Merged') else last_name end
  where id = p_drop;
  update public.contacts set email = dropped.email, updated_at = p_now where id = p_keep;
  if kept.email is not null then
    update public.contacts set email = kept.email, last_name = dropped.last_name, updated_at = p_now where id = p_drop;
  end if;
end
$$;

-- Who asked under one record to be left alone is left alone under both: for good, for a while, or by one campaign.
create function private.merge_wishes(p_keep uuid, p_drop uuid, p_now timestamptz) returns void
language plpgsql security definer set search_path = '' as $$
declare
  dropped public.contacts;
begin
  update public.contacts c
  set email_status = o.email_status, email_status_reason = o.email_status_reason, email_status_at = o.email_status_at,
      updated_at = p_now
  from public.contacts o
  where (c.id, o.id) in ((p_keep, p_drop), (p_drop, p_keep)) and o.email_status in ('unsubscribed', 'complained')
    and private.weight_of(c.email_status) < private.weight_of(o.email_status);
  select * into dropped from public.contacts where id = p_drop;
  if dropped.quiet_until > p_now then
    perform private.keep_quiet(p_keep, dropped.quiet_until, dropped.quiet_reason, p_now);
  end if;
  perform private.opt_out(p_keep, e.campaign_id, false, p_now)
  from (select distinct x.campaign_id from public.campaign_enrollments x
        where x.contact_id = p_drop and x.reason = 'opted_out' order by x.campaign_id) e;
end
$$;

-- The kept one goes on behind whatever either went through, and from the place further along: its own campaigns, and
-- (p_ran) those the dropped one was in. Where the dropped one (and whoever was merged into it: p_dropped) replied, or was
-- stopped by hand, and began no other run since, it ends for the kept one too.
create function private.merge_campaigns(
  p_keep uuid, p_dropped uuid[], p_ran public.campaign_enrollments[], p_now timestamptz) returns void
language plpgsql security definer set search_path = '' as $$
declare
  over uuid[];
begin
  update public.campaign_enrollments e
  set status = 'stopped', reason = o.reason, ended_at = p_now, next_send_at = null, updated_at = p_now
  from (
    select distinct on (x.campaign_id) x.campaign_id, x.reason
    from public.campaign_enrollments x where x.contact_id = any (p_dropped)
    order by x.campaign_id, x.run desc, x.enrolled_at desc, x.ended_at desc nulls first) o
  where e.contact_id = p_keep and e.campaign_id = o.campaign_id and e.status in ('active', 'paused')
    and o.reason in ('replied', 'stopped_by_user');

  with places as (
    select e.id, e.next_step, f.step, f.delay_days, f.due_at, n.last_sent_at
    from public.campaign_enrollments e
    left join lateral private.next_unreceived(e.contact_id, e.campaign_id, e.run) n on true
    left join lateral (
      select t.step, t.delay_days, w.due_at
      from (select n.step, null::timestamptz as due_at
            union all select e.next_step, e.next_send_at
            union all select r.next_step, r.next_send_at
            from unnest(p_ran) r where r.campaign_id = e.campaign_id and r.run >= e.run) w
      join public.drip_campaign_templates t
        on t.campaign_id = e.campaign_id and t.step = w.step and t.status = 'published'
      order by t.position desc, w.due_at desc nulls last limit 1) f on n.step is not null
    -- Without a date an e-mail is held or has failed; whoever settles that plans what comes next.
    where e.contact_id = p_keep and e.status in ('active', 'paused') and e.next_send_at is not null),
  spaced as (
    update public.campaign_enrollments e
    set next_step = p.step, updated_at = p_now,
        next_send_at = greatest(case when p.step = p.next_step then e.next_send_at else coalesce(p.due_at, p_now) end,
                                p.last_sent_at + p.delay_days * interval '1 day')
    from places p where p.id = e.id and p.step is not null),
  told as (
    insert into public.drip_decisions (contact_id, enrollment_id, campaign_id, step, decided_at, reason, explanation)
    select e.contact_id, e.id, e.campaign_id, s.step, p_now, 'already_received',
           case when bool_or(s.status <> 'failed')
                then 'A contact merged into this one received this e-mail; it is not sent again.'
                else 'A contact merged into this one had this e-mail left out; it is not sent.' end
    from public.campaign_enrollments e
    join public.contacts m on m.merged_into = e.contact_id
    join public.email_sends s on s.contact_id = m.id and s.campaign_id = e.campaign_id and s.run >= e.run
      and private.gone_through(s)
    where e.contact_id = p_keep and e.status in ('active', 'paused') and not exists (
      select from public.email_sends o
      where o.contact_id = e.contact_id and o.campaign_id = e.campaign_id and o.step = s.step and o.run = e.run)
    group by e.contact_id, e.id, e.campaign_id, s.step)
  select array_agg(p.id) into over from places p where p.step is null;
  perform private.go_on(over, p_now);

  insert into public.campaign_enrollments
    (contact_id, campaign_id, is_type_campaign, run, status, reason, next_step, next_send_at, source, enrolled_at, updated_at)
  select p_keep, r.campaign_id, r.is_type_campaign, family.run, r.status, r.reason, f.step,
         case when f.step = r.next_step and r.next_send_at is not null
              then greatest(r.next_send_at, n.last_sent_at + f.delay_days * interval '1 day')
              else greatest(p_now, n.last_sent_at + f.delay_days * interval '1 day') end,
         r.source, p_now, p_now
  from unnest(p_ran) r
  join public.contacts c on c.id = p_keep
  join public.contact_types y on y.key = c.contact_type
  join public.drip_campaigns d on d.id = r.campaign_id and d.status <> 'archived'
  cross join lateral (
    select max(e.run) as run from public.campaign_enrollments e
    where e.contact_id = any (private.family_of(p_keep)) and e.campaign_id = r.campaign_id) family
  cross join lateral private.next_unreceived(p_keep, r.campaign_id, family.run) n
  cross join lateral (
    select t.step, t.delay_days from public.drip_campaign_templates t
    where t.campaign_id = r.campaign_id and t.status = 'published'
      and (t.step = n.step or (t.step = r.next_step and r.run >= family.run))
    order by t.position desc limit 1) f
  where c.email is not null and c.email_status = 'ok'
    and not exists (select from public.suppressions s where s.email = c.email)
    and r.reason <> 'waits_for_other'
    -- A type's campaign belongs to the type the person has now, and runs alone.
    and (not r.is_type_campaign or (r.campaign_id = y.campaign_id and not exists (
      select from public.campaign_enrollments e
      where e.contact_id = p_keep and e.is_type_campaign and e.status in ('active', 'paused'))))
    -- What the kept one is in already goes on as it is, and what ended there by the person's or a colleague's word stays ended.
    and not exists (
      select from public.campaign_enrollments e
      where e.contact_id = p_keep and e.campaign_id = r.campaign_id
        and (e.status in ('active', 'paused') or e.reason in ('opted_out', 'replied', 'stopped_by_user')));
end
$$;

-- Two records of one person become one: p_keep is kept, with those of its fields that p_values (a JSON text) names set to
-- what was chosen; p_drop is archived for good. Cannot be undone. Answers merged, or why nothing was done: same, gone,
-- not_yours (one of them is a colleague's), already_merged, kept_is_archived, under_way (an e-mail to one of them is
-- leaving right now).
create function public.merge_contacts(p_keep uuid, p_drop uuid, p_values text, p_now timestamptz) returns text
language plpgsql security definer set search_path = '' set statement_timeout = '55s' as $$
declare
  kept public.contacts;
  dropped public.contacts;
  chosen public.contacts;
  ran public.campaign_enrollments[];
  given_up uuid[];
begin
  if not private.acts_as_service() and not private.is_staff() then
    raise exception 'Only staff merge contacts.' using errcode = '42501';
  elsif p_keep = p_drop then
    return 'same';
  elsif (select count(*) from public.contacts where id in (p_keep, p_drop)) < 2 then
    return 'gone';
  elsif cardinality(private.changeable(array[p_keep, p_drop])) < 2 then
    return 'not_yours';
  end if;
  perform set_config('mpt.now', p_now::text, true);
  -- In one order, so that two merges never wait for each other. No claim passes this lock.
  perform from public.contacts c
  where c.id in (p_keep, p_drop) or c.merged_into in (p_keep, p_drop) order by c.id for update;
  select * into kept from public.contacts where id = p_keep;
  select * into dropped from public.contacts where id = p_drop;
  if kept.id is null or dropped.id is null then
    return 'gone';
  elsif kept.merged_into is not null or dropped.merged_into is not null then
    return 'already_merged';
  elsif kept.archived_at is not null then
    return 'kept_is_archived';
  elsif exists (select from public.email_sends s
                where s.contact_id in (p_keep, p_drop) and s.status in ('claimed', 'handed_over')) then
    return 'under_way';
  end if;
  chosen := jsonb_populate_record(kept, p_values::jsonb);
  if chosen.email is distinct from kept.email and chosen.email is distinct from dropped.email then
    raise exception 'The address is one of the two.' using errcode = '22023';
  end if;

  select array_agg(e order by e.id) into ran from public.campaign_enrollments e
  where e.contact_id = p_drop and e.status in ('active', 'paused');
  perform private.stop_enrollments(array[p_drop], 'merged', p_now);
  given_up := private.family_of(p_drop);
  update public.contacts set merged_into = p_keep, archived_at = coalesce(archived_at, p_now), updated_at = p_now
  where id = p_drop or merged_into = p_drop;
  if chosen.email is distinct from kept.email then
    perform private.swap_addresses(p_keep, p_drop, p_now);
  end if;
  perform private.merge_wishes(p_keep, p_drop, p_now);
  update public.contacts c
  set first_name = chosen.first_name, last_name = chosen.last_name, phone = chosen.phone, company_name = chosen.company_name,
      job_title = chosen.job_title, industry = chosen.industry, contact_type = chosen.contact_type, owner_id = chosen.owner_id,
      city = chosen.city, state = chosen.state, country = chosen.country, time_zone = chosen.time_zone,
      website = chosen.website, profile_url = chosen.profile_url, tags = chosen.tags, notes = chosen.notes, updated_at = p_now
  where c.id = p_keep;
  perform private.merge_campaigns(p_keep, given_up, ran, p_now);
  perform private.move_belongings(p_drop, p_keep);

  insert into public.activities (contact_id, occurred_at, kind, summary)
  select m.id, p_now, 'merged', m.words || coalesce(nullif(btrim(o.first_name || ' ' || o.last_name), ''), o.email)
  from (values (p_keep, p_drop, 'Merged with '), (p_drop, p_keep, 'Merged into ')) m (id, other, words)
  join public.contacts o on o.id = m.other;
  -- No names and no addresses: the log outlives an erased contact.
  insert into public.audit_log (relation, row_key, operation, before, after)
  values ('contacts', p_keep::text, 'MERGE', jsonb_build_object('contact_type', kept.contact_type),
          jsonb_build_object('contact_type', chosen.contact_type, 'merged_id', p_drop));
  return 'merged';
end
$$;
alter table public.audit_log drop constraint audit_log_operation_check;
alter table public.audit_log add constraint audit_log_operation_check
  check (operation in ('INSERT', 'UPDATE', 'DELETE', 'EXPORT', 'ERASE', 'LIFT', 'MERGE'));

-- Who may be the same person. The last nine digits of a phone number are the same with and without a country code.
create index contacts_by_phone on public.contacts (right(regexp_replace(phone, '\D', '', 'g'), 9))
  where phone <> '' and archived_at is null;
create index contacts_by_name on public.contacts (lower(last_name), lower(first_name)) where archived_at is null;
create index contacts_by_local_part on public.contacts (split_part(email, '@', 1))
  where email is not null and archived_at is null;

-- Contacts in use that look like this one, each with the strongest sign: phone, name (and no other company), or address
-- (the same before the @, and a similar name).
create function public.similar_contacts(
  p_first_name text, p_last_name text, p_company text, p_phone text, p_email text, p_except uuid, p_limit integer)
returns table (contact_id uuid, sign text)
language sql stable security definer set search_path = '' set statement_timeout = '55s' as $$
  select s.id, (array_agg(s.sign order by array_position('{phone,name,address}', s.sign)))[1]
  from (
    select c.id, 'phone' as sign from public.contacts c
    where c.phone <> '' and c.archived_at is null and length(regexp_replace(p_phone, '\D', '', 'g')) >= 7
      and right(regexp_replace(c.phone, '\D', '', 'g'), 9) = right(regexp_replace(p_phone, '\D', '', 'g'), 9)
    union all
    select c.id, 'name' from public.contacts c
    where c.archived_at is null and btrim(p_first_name) <> '' and btrim(p_last_name) <> ''
      and lower(c.last_name) = lower(btrim(p_last_name)) and lower(c.first_name) = lower(btrim(p_first_name))
      and ('' in (c.company_name, btrim(p_company)) or lower(c.company_name) = lower(btrim(p_company)))
    union all
    select c.id, 'address' from public.contacts c
    where c.email is not null and c.archived_at is null and p_email like '%@%'
      and split_part(c.email, '@', 1) = split_part(lower(btrim(p_email)), '@', 1)
      and extensions.similarity(c.first_name || ' ' || c.last_name, p_first_name || ' ' || p_last_name) > 0.4) s
  where s.id is distinct from p_except and (private.acts_as_service() or private.is_staff())
  group by s.id
  order by min(array_position('{phone,name,address}', s.sign)), s.id desc limit p_limit
$$;

-- Groups of contacts in use that share a phone number, or name and company; those with the newest contact first.
create function public.duplicate_groups(p_limit integer)
returns table (contact_ids uuid[], sign text)
language sql stable security definer set search_path = '' set statement_timeout = '55s' as $$
  select g.ids, g.sign from (
    select array_agg(c.id order by c.id) as ids, 'phone' as sign from public.contacts c
    where c.phone <> '' and c.archived_at is null and length(regexp_replace(c.phone, '\D', '', 'g')) >= 7
    group by right(regexp_replace(c.phone, '\D', '', 'g'), 9) having count(*) between 2 and 10
    union all
    select array_agg(c.id order by c.id), 'name' from public.contacts c
    where c.archived_at is null and c.first_name <> '' and c.last_name <> ''
    group by lower(c.last_name), lower(c.first_name), lower(c.company_name)
    having count(*) between 2 and 10
       -- Those that all share one number stand above already.
       and not (bool_and(length(regexp_replace(c.phone, '\D', '', 'g')) >= 7)
                and count(distinct right(regexp_replace(c.phone, '\D', '', 'g'), 9)) = 1)) g
  where private.acts_as_service() or private.is_staff()
  order by g.ids[cardinality(g.ids)] desc limit p_limit
$$;

revoke all on function
  private.guard_merged(), private.guard_merged_erasure(), private.family_of(uuid), private.tell_family(),
  private.gone_through(public.email_sends),
  private.opt_out(uuid, uuid, boolean, timestamptz), private.move_belongings(uuid, uuid),
  private.swap_addresses(uuid, uuid, timestamptz), private.merge_wishes(uuid, uuid, timestamptz),
  private.merge_campaigns(uuid, uuid[], public.campaign_enrollments[], timestamptz),
  public.change_contacts(uuid[], text, timestamptz), public.change_campaigns_of(uuid[], text, timestamptz),
  public.undo_archive(uuid[], timestamptz, timestamptz), public.contact_family(uuid),
  public.merge_contacts(uuid, uuid, text, timestamptz), public.duplicate_groups(integer),
  public.similar_contacts(text, text, text, text, text, uuid, integer)
  from public, anon, authenticated, service_role;
grant execute on function
  public.change_contacts(uuid[], text, timestamptz), public.change_campaigns_of(uuid[], text, timestamptz),
  public.undo_archive(uuid[], timestamptz, timestamptz), public.contact_family(uuid),
  public.merge_contacts(uuid, uuid, text, timestamptz), public.duplicate_groups(integer),
  public.similar_contacts(text, text, text, text, text, uuid, integer)
  to authenticated, service_role;
grant execute on function private.gone_through(public.email_sends) to service_role;
