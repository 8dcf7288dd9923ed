// The chat itself: a bar, the conversation, the composer.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { isAnswering } from "../conversation/state";
import type { Feedback } from "../protocol/message";
import type { Memory } from "../session/memory";
import { Session } from "../session/session";
import { texts } from "../texts";
import type { Client } from "../transport/client";
import { Announcer } from "./announcer";
import { AskedCreator } from "./asked_creator";
import { Composer } from "./composer";
import { EmptyState } from "./empty_state";
import { goOn } from "./go_on";
import { History } from "./history";
import { ListIcon, NewIcon } from "./icons";
import { Transcript } from "./transcript";
import { Unread } from "./unread";
import { useConversation } from "./use_conversation";
import { useCreators } from "./use_creators";
import { useStickToBottom } from "./use_stick_to_bottom";
import { useVoice } from "./use_voice";
import { VoiceSlider } from "./voice_slider";

/** A saved conversation that the page wants to be shown; with null as its id, a new one. */
export interface Wanted {
  readonly id: string | null;
}

interface Props {
  readonly client: Client;
  readonly memory: Memory;
  readonly creator: string | null;
  /** Whether others may answer what the creator cannot. */
  readonly widen: boolean;
  /** Further buttons of the bar. */
  readonly controls?: ComponentChildren;
  /** Whether the reader's other conversations are listed here; a page may do that itself. */
  readonly lists: boolean;
  readonly wanted?: Wanted | null;
  readonly onConversing?: ((conversing: boolean) => void) | undefined;
  /** Another conversation is shown, or a question of it was taken or answered. */
  readonly onChange?: ((conversation: string | null) => void) | undefined;
}

export function Chat({ client, memory, creator: slug, widen, controls, lists, wanted = null, onConversing, onChange }: Props) {
  const session = useMemo(() => new Session(client, memory, slug, widen), [client, memory, slug, widen]);
  const conversation = useConversation(session);
  const creators = useCreators(client);
  const creator = creators.find((candidate) => candidate.slug === slug) ?? null;
  const { offered, weight, choose } = useVoice(memory, creator);
  const chat = useRef<HTMLElement>(null);
  const { scroller, away, onScroll, toBottom } = useStickToBottom(conversation);
  const { turns, restoring, unread } = conversation;
  const conversing = turns.length > 0;

  useLayoutEffect(() => {
    void session.restore();
    return () => session.dispose();
  }, [session]);
  useLayoutEffect(() => {
    if (wanted !== null) void session.show(wanted.id);
  }, [wanted]);
  useEffect(() => onConversing?.(conversing), [conversing]);
  useEffect(() => onChange?.(conversation.id), [conversation.id, isAnswering(conversation)]);

  const [listed, setListed] = useState(false);
  const left = useRef<number | null>(null);
  const toggleList = () => {
    left.current = listed ? left.current : scroller.current!.scrollTop;
    setListed(!listed);
  };
  const leaveList = () => {
    left.current = null;
    setListed(false);
  };
  useLayoutEffect(() => {
    // Back from the list, the conversation is where it was.
    if (!listed && left.current !== null) scroller.current!.scrollTop = left.current;
  }, [listed]);
  const hasOthers = lists && (conversing || memory.read() !== null);
  const open = (id: string | null) => {
    if (id !== null) leaveList();
    void session.show(id);
    if (id !== null) goOn(chat.current);
  };

  const ask = (question: string) => {
    leaveList();
    void session.ask(question, weight);
    toBottom();
    goOn(chat.current);
  };
  const actions = useMemo(() => {
    const answerAgain = (work: Promise<void>) => {
      void work;
      goOn(chat.current);
    };
    return {
      retry: () => answerAgain(session.retry(weight)),
      renew: () => answerAgain(session.renew()),
      rate: (messageId: string, feedback: Feedback | null) => session.rate(messageId, feedback),
    };
  }, [session, weight]);
  const startOver = () => {
    leaveList();
    session.startOver();
    goOn(chat.current);
  };

  const name = creator?.name ?? null;
  const asked = slug === null ? null : (name ?? texts.thisCreator);
  return (
    <section ref={chat} class="chat" aria-label={name === null ? texts.conversation : texts.conversationWith(name)}>
      {(conversing || controls || hasOthers) && (
        <header class="bar">
          <span class="bar-title">{name ?? (slug === null ? texts.everyone : texts.product)}</span>
          {hasOthers && (
            <button
              type="button"
              class="quiet"
              aria-label={texts.saved.heading}
              title={texts.saved.heading}
              aria-expanded={listed}
              onClick={toggleList}
            >
              <ListIcon />
            </button>
          )}
          {conversing && (
            <button type="button" class="quiet" aria-label={texts.newConversation} onClick={startOver}>
              <NewIcon /> <span class="label">{texts.newConversation}</span>
            </button>
          )}
          {controls}
        </header>
      )}
      <div ref={scroller} class="scroller" tabIndex={0} onScroll={onScroll}>
        {listed && (
          <History
            client={client}
            creator={slug}
            current={conversation.id}
            onOpen={open}
            onDeleted={memory.tellOfDeletion}
          />
        )}
        {!listed && restoring && <p class="progress restoring">{texts.restoring}</p>}
        {!listed && unread !== null && <Unread failure={unread} onRetry={() => void session.show(memory.readConversation(slug))} onLeave={startOver} />}
        {!listed && !restoring && unread === null && !conversing && (
          <EmptyState creator={creator} creators={slug === null ? creators : []} onAsk={ask} />
        )}
        {!listed && (
          <AskedCreator.Provider value={asked}>
            <Transcript turns={turns} actions={actions} />
          </AskedCreator.Provider>
        )}
      </div>
      <Composer
        placeholder={texts.questionPlaceholder(name)}
        waiting={restoring || unread !== null}
        answering={isAnswering(conversation)}
        onSend={ask}
        onStop={() => {
          void session.stop();
          goOn(chat.current);
        }}
        onLatest={away ? toBottom : null}
        voice={offered && name !== null && <VoiceSlider name={name} weight={weight} onChange={choose} />}
        smallPrint={weight > 0 && name !== null ? texts.voice.smallPrint(name) : texts.smallPrint}
      />
      <Announcer session={session} asked={asked} />
    </section>
  );
}
