-- People look for an e-mail by its subject: the timeline and the lists of e-mails tell it, as the person got it.

-- The subject that went out: the skeleton's, with the values kept with the send in the places that vary by person
-- (crm/drip/compile.py names them mf<number>x<digest>, fill() in crm/drip/render.py does the same). One pass: a value
-- that looks like such a name stays what it is. Null where a value is needed and none were kept, and where a place
-- depends on the sender, whose values stand with the run.
create function private.subject_as_sent(p_compiled jsonb, p_values json) returns text
language sql immutable parallel safe set search_path = '' as $$
  select case
    when position('mf' in p_compiled ->> 'subject') = 0 then p_compiled ->> 'subject'
    else (
      with own as (
        select slot ->> 'tag' as tag, p_values ->> ((row_number() over (order by place))::integer - 1) as value
        from jsonb_array_elements(p_compiled -> 'slots') with ordinality s (slot, place)
        where not (slot ->> 'shared')::boolean)
      select case when bool_and(piece[2] = '' or own.value is not null)
        then string_agg(piece[1] || coalesce(own.value, ''), '' order by place) end
      from regexp_matches(p_compiled ->> 'subject', '(.*?)(mf[0-9]+x[0-9a-f]{8}|$)', 'g') with ordinality m (piece, place)
      left join own on own.tag = piece[2])
    end
$$;
revoke all on function private.subject_as_sent(jsonb, json) from public, anon, authenticated, service_role;
grant execute on function private.subject_as_sent(jsonb, json) to authenticated, service_role;

create or replace view public.send_list with (security_invoker = true) as
select s.id, s.enrollment_id, s.contact_id, btrim(c.first_name || ' ' || c.last_name) as contact_name, s.to_email,
       s.campaign_id, d.name as campaign_name, d.key as campaign_key, s.step, t.name as template_name,
       s.template_id, s.status, s.reason, s.attempts, s.claimed_at, s.handed_over_at, s.settled_at, s.retry_at, s.held_at,
       s.provider, s.provider_message_id, s.delivered_at, s.first_opened_at, s.first_clicked_at,
       private.subject_as_sent(t.compiled, s.merge_values) as subject, t.subject as template_subject
from public.email_sends s
join public.contacts c on c.id = s.contact_id
join public.drip_campaigns d on d.id = s.campaign_id
join public.drip_campaign_templates t on t.id = s.template_id;

-- As before (migration …2500, which says what each part is), with the subject of an e-mail behind.
drop function public.contact_timeline(uuid[], text[], timestamptz, smallint, bigint, integer);
create function public.contact_timeline(
  p_contacts uuid[], p_kinds text[], p_before timestamptz, p_before_source smallint, p_before_id bigint, p_limit integer)
returns table (
  source smallint, id bigint, contact_id uuid, occurred_at timestamptz, kind text, summary text, actor_name text,
  due_at timestamptz, completed_at timestamptz, assigned_name text,
  decision_reason text, until timestamptz, template_name text, campaign_name text,
  send_id uuid, send_status text, provider text, delivered_at timestamptz,
  opens bigint, last_opened_at timestamptz, clicks bigint, last_clicked_at timestamptz, clicked_urls text[],
  machine_opens bigint, machine_clicks bigint, trouble text, trouble_reason text, complained_at timestamptz,
  subject text, template_subject text)
language sql stable set search_path = '' as $$
  with happened as (
    select 1::smallint as source, a.id, a.contact_id, a.occurred_at, a.kind, a.summary, a.actor_id,
           a.due_at, a.completed_at, a.assigned_to, null::text as decision_reason, null::timestamptz as until,
           a.send_id, null::uuid as campaign_id, null::smallint as step
    from public.activities a
    where a.contact_id = any (p_contacts) and (p_kinds is null or a.kind = any (p_kinds))
    union all
    select 0::smallint, d.id, d.contact_id, d.decided_at, 'decision', d.explanation, null,
           null, null, null, d.reason, d.until, null, d.campaign_id, d.step
    from public.drip_decisions d
    where d.contact_id = any (p_contacts) and (p_kinds is null or 'decision' = any (p_kinds))
      -- These two stand among the activities, with who did it or what the provider said.
      and d.reason not in ('skipped_by_user', 'send_failed')),
  shown as (
    select * from happened h
    where p_before is null or (h.occurred_at, h.source, h.id) < (p_before, p_before_source, p_before_id)
    order by h.occurred_at desc, h.source desc, h.id desc limit p_limit)
  select h.source, h.id, h.contact_id, h.occurred_at, h.kind, h.summary, w.full_name,
         h.due_at, h.completed_at, p.full_name, h.decision_reason, h.until,
         coalesce(t.name, (select v.name from public.drip_campaign_templates v
                           where v.campaign_id = h.campaign_id and v.step = h.step and v.status <> 'draft'
                           order by v.status = 'published' desc, v.version desc limit 1)),
         c.name, s.id, s.status, s.provider, s.delivered_at,
         r.opens, r.last_opened_at, r.clicks, r.last_clicked_at, r.clicked_urls, r.machine_opens, r.machine_clicks,
         r.trouble, r.trouble_reason, r.complained_at,
         private.subject_as_sent(t.compiled, s.merge_values), t.subject
  from shown h
  left join public.profiles w on w.id = h.actor_id
  left join public.profiles p on p.id = h.assigned_to
  left join public.email_sends s on s.id = h.send_id
  left join public.drip_campaign_templates t on t.id = s.template_id
  left join public.drip_campaigns c on c.id = coalesce(s.campaign_id, h.campaign_id)
  left join lateral (
    select count(*) filter (where y.event = 'open' and not y.is_machine) as opens,
           max(y.occurred_at) filter (where y.event = 'open' and not y.is_machine) as last_opened_at,
           count(*) filter (where y.event = 'click' and not y.is_machine) as clicks,
           max(y.occurred_at) filter (where y.event = 'click' and not y.is_machine) as last_clicked_at,
           array_agg(distinct y.url) filter (where y.event = 'click' and not y.is_machine and y.url <> '') as clicked_urls,
           count(*) filter (where y.event = 'open' and y.is_machine) as machine_opens,
           count(*) filter (where y.event = 'click' and y.is_machine) as machine_clicks,
           (array_agg(y.event order by y.event = 'bounce' desc, y.event = 'dropped' desc, y.occurred_at)
              filter (where y.event in ('bounce', 'dropped', 'blocked')))[1] as trouble,
           (array_agg(y.reason order by y.event = 'bounce' desc, y.event = 'dropped' desc, y.occurred_at)
              filter (where y.event in ('bounce', 'dropped', 'blocked')))[1] as trouble_reason,
           min(y.occurred_at) filter (where y.event = 'spamreport') as complained_at
    from public.email_events y where y.send_id = s.id) r on true
  order by h.occurred_at desc, h.source desc, h.id desc
$$;

revoke all on function public.contact_timeline(uuid[], text[], timestamptz, smallint, bigint, integer)
  from public, anon, authenticated, service_role;
grant execute on function public.contact_timeline(uuid[], text[], timestamptz, smallint, bigint, integer)
  to authenticated, service_role;
