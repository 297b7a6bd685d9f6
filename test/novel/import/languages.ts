/** Prose of many languages, written for the tests: its letters are as frequent as they are in a book. */
export const passages = {
  english: `The river had risen in the night. When the ferryman came down to the landing with his lamp, the lowest step was already under water, and
the boat pulled at its chain as if it wanted to leave without him. "There will be no crossing before noon," he said to the woman who had been
waiting since dawn, and he did not look at her while he said it. She put her bag down on the dry step. "Then I will wait until noon," she said.
“You would do better to go home,” he answered, “for the water doesn’t listen to anybody.” She had no home to go to – not on this side.`,
  polish: `W nocy rzeka wezbrała. Kiedy przewoźnik zszedł z latarnią na przystań, najniższy stopień był już pod wodą, a łódź szarpała łańcuch, jakby
chciała odpłynąć bez niego. – Przed południem nikt się nie przeprawi – powiedział do kobiety, która czekała od świtu, i nie patrzył na nią, gdy
to mówił. Postawiła torbę na suchym stopniu. – Wobec tego poczekam do południa. – Lepiej byłoby wrócić do domu – odparł. – Woda nikogo nie słucha.
Nie miała dokąd wracać, przynajmniej nie po tej stronie. Usiadła więc i zaczęła liczyć gałęzie, które niósł nurt. Przewoźnik wszedł do budki,
zapalił piec i długo grzał ręce, choć wcale nie było zimno. Myślał o liście, który leżał w szufladzie od trzech tygodni i którego wciąż nie
otworzył. Na kopercie widniało tylko jedno słowo, napisane drżącą dłonią, a on znał tę dłoń lepiej niż własną. Późnym rankiem mgła się podniosła
i ukazał się drugi brzeg: wierzby, zwęglony młyn, ścieżka prowadząca pod górę. Ktoś tam stał i machał białą chustką. „Widzi pan?” – zapytała
kobieta. – „Widzę” – odrzekł i odwiązał łódź, chociaż wiedział, że nie powinien tego robić. Wiosła były ciężkie od wilgoci, a prąd znosił ich ku
progowi, skąd dobiegał głuchy, jednostajny szum. Żadne z nich nie odezwało się ani słowem, dopóki dziób nie uderzył o kamienie.`,
  czech: `V noci se řeka rozvodnila. Když převozník sešel s lucernou k přístavišti, nejnižší schod už byl pod vodou a loď škubala řetězem, jako by chtěla
odplout bez něho. „Před polednem se nikdo nepřeveze,“ řekl ženě, která čekala od svítání, a nedíval se na ni, když to říkal. Položila tašku na suchý
schod. „Tak počkám do poledne,“ odpověděla. „Lepší by bylo jít domů. Voda nikoho neposlouchá.“ Neměla se kam vrátit, alespoň ne na této straně.
Posadila se tedy a začala počítat větve, které nesl proud. Převozník vešel do boudy, zatopil v kamnech a dlouho si ohříval ruce, ačkoli vůbec
nebyla zima. Myslel na dopis, který už tři týdny ležel v zásuvce a který stále neotevřel. Na obálce stálo jediné slovo, napsané třesoucí se rukou,
a on tu ruku znal lépe než svou vlastní. Pozdě dopoledne se mlha zvedla a ukázal se druhý břeh: vrby, ohořelý mlýn, cesta do kopce. Někdo tam stál
a mával bílým šátkem. „Vidíte ho?“ zeptala se žena. „Vidím,“ řekl a odvázal loď, třebaže věděl, že by to dělat neměl. Vesla byla těžká vlhkostí
a proud je unášel k jezu, odkud se ozýval temný, stejnoměrný hukot. Žádný z nich nepromluvil, dokud příď nenarazila na kameny.`,
  slovak: `V noci sa rieka rozvodnila. Keď prievozník zišiel s lampášom k prístavu, najnižší schod už bol pod vodou a čln šklbal reťazou, akoby chcel odplávať
bez neho. „Pred poludním sa nikto neprevezie,“ povedal žene, ktorá čakala od svitania, a nepozeral sa na ňu, keď to hovoril. Položila tašku na suchý
schod. „Tak počkám do poludnia.“ „Lepšie by bolo ísť domov. Voda nikoho nepočúva.“ Nemala sa kam vrátiť, aspoň nie na tejto strane. Sadla si teda
a začala počítať konáre, ktoré niesol prúd. Prievozník vošiel do búdky, zakúril v piecke a dlho si ohrieval ruky, hoci vôbec nebola zima. Myslel na
list, ktorý už tri týždne ležal v zásuvke a ktorý stále neotvoril. Na obálke stálo jediné slovo, napísané trasúcou sa rukou. Neskoro dopoludnia sa
hmla zdvihla a ukázal sa druhý breh: vŕby, zhorený mlyn, cesta do kopca. Niekto tam stál a mával bielou šatkou. Veslá boli ťažké od vlhkosti a prúd
ich unášal k hati, odkiaľ sa ozýval tlmený, rovnomerný hukot. Ani jeden z nich neprehovoril, kým čln nenarazil na kamene.`,
  hungarian: `Éjszaka megáradt a folyó. Amikor a révész a lámpásával lement a kikötőhöz, a legalsó lépcsőfok már víz alatt volt, és a csónak úgy rángatta a láncot,
mintha nélküle akarna elindulni. – Dél előtt nincs átkelés – mondta az asszonynak, aki hajnal óta várt, és nem nézett rá, amíg beszélt. Az asszony letette
a táskáját a száraz lépcsőre. – Akkor megvárom a delet. – Jobb volna hazamenni – felelte a férfi. – A víz senkire sem hallgat. Nem volt hová hazamennie,
legalábbis ezen a parton. Leült hát, és számolni kezdte az ágakat, amelyeket a sodrás hozott. A révész bement a bódéba, befűtött a kályhába, és sokáig
melengette a kezét, bár egyáltalán nem volt hideg. Arra a levélre gondolt, amely három hete feküdt a fiókban, és amelyet még mindig nem bontott föl.
A borítékon egyetlen szó állt, reszkető kézzel írva, és ő azt a kezet jobban ismerte a sajátjánál. Késő délelőtt fölszállt a köd, és előtűnt a túlsó part:
fűzfák, egy kiégett malom, fölfelé vezető ösvény. Valaki állt ott, és fehér kendőt lobogtatott. „Látja?” – kérdezte az asszony. „Látom” – mondta a révész,
és eloldotta a csónakot, noha tudta, hogy nem volna szabad. Az evezők súlyosak voltak a nedvességtől, és az ár a gát felé sodorta őket, ahonnan tompa,
egyenletes zúgás hallatszott. Egyikük sem szólt egy szót sem, míg a csónak orra a kövekhez nem ütődött.`,
  romanian: `În timpul nopţii râul crescuse. Când luntraşul coborî cu felinarul la debarcader, treapta cea mai de jos era deja sub apă, iar barca trăgea de lanţ de
parcă ar fi vrut să plece fără el. — Înainte de amiază nu trece nimeni, îi spuse femeii care aştepta din zori, şi nu se uită la ea când vorbi. Femeia îşi
puse geanta pe treapta uscată. — Atunci aştept până la amiază. — Mai bine v-aţi întoarce acasă, răspunse el. Apa nu ascultă de nimeni. Nu avea unde să se
întoarcă, cel puţin nu pe malul acesta. Se aşeză deci şi începu să numere crengile pe care le ducea curentul. Luntraşul intră în gheretă, aprinse soba şi
îşi încălzi îndelung mâinile, deşi nu era deloc frig. Se gândea la scrisoarea care zăcea de trei săptămâni în sertar şi pe care încă nu o deschisese.`,
  croatian: `Noću je rijeka nabujala. Kad je skelar sa svjetiljkom sišao na pristanište, najniža stuba već je bila pod vodom, a čamac je trzao lanac kao da želi otići
bez njega. – Prije podneva nitko neće prijeći – rekao je ženi koja je čekala od zore i nije je pogledao dok je to govorio. Spustila je torbu na suhu stubu.
– Onda ću pričekati podne. – Bolje bi bilo da se vratite kući. Voda nikoga ne sluša. Nije se imala kamo vratiti, barem ne na ovoj strani. Sjela je dakle
i počela brojiti grane koje je nosila struja. Skelar je ušao u kućicu, naložio peć i dugo grijao ruke, iako uopće nije bilo hladno. Mislio je na pismo
koje je već tri tjedna ležalo u ladici i koje još uvijek nije otvorio. Na omotnici je stajala samo jedna riječ, napisana drhtavom rukom. Kasno prije podne
magla se podigla i pokazala se druga obala: vrbe, izgorjeli mlin, staza uzbrdo. Netko je ondje stajao i mahao bijelim rupčićem.`,
  russian: `Ночью река поднялась. Когда паромщик спустился с фонарём к пристани, нижняя ступень была уже под водой, и лодка дёргала цепь, словно хотела уплыть
без него. «До полудня переправы не будет», — сказал он женщине, которая ждала с рассвета, и не смотрел на неё, пока говорил. Она поставила сумку на
сухую ступень. «Тогда я подожду до полудня». «Лучше бы вам вернуться домой, — ответил он. — Вода никого не слушает». Возвращаться ей было некуда, по
крайней мере на этом берегу. Она села и стала считать ветки, которые несло течением. Паромщик вошёл в будку, затопил печь и долго грел руки, хотя было
вовсе не холодно. Он думал о письме, которое уже три недели лежало в ящике и которое он всё ещё не вскрыл. На конверте стояло одно-единственное слово,
написанное дрожащей рукой, а эту руку он знал лучше собственной. Поздним утром туман поднялся, и показался другой берег: ивы, сгоревшая мельница, тропа,
ведущая в гору. Кто-то стоял там и махал белым платком. «Видите?» — спросила женщина. «Вижу», — сказал он и отвязал лодку, хотя знал, что делать этого
не следует. Вёсла были тяжёлыми от сырости, и течение сносило их к плотине, откуда доносился глухой, ровный гул. Ни один из них не произнёс ни слова,
пока нос лодки не ударился о камни.`,
  ukrainian: `Уночі річка піднялася. Коли перевізник зійшов із ліхтарем до пристані, нижня сходинка була вже під водою, а човен смикав ланцюг, ніби хотів поплисти без
нього. До полудня переправи не буде, сказав він жінці, яка чекала від світанку, і не дивився на неї, поки говорив. Вона поставила торбу на суху сходинку.
Тоді я почекаю до полудня. Краще б вам повернутися додому, відповів він, вода нікого не слухає. Повертатися їй не було куди, принаймні на цьому березі.
Вона сіла й почала рахувати гілки, які несла течія. Перевізник увійшов до будки, затопив піч і довго грів руки, хоча зовсім не було холодно. Він думав про
лист, який уже три тижні лежав у шухляді і якого він досі не відкрив. На конверті стояло єдине слово, написане тремтячою рукою.`,
  japanese: `川は夜のうちに増していた。渡し守がランプを持って船着き場に降りてきたとき、いちばん下の段はもう水の下にあり、舟は主人を置いて出て行きたがっているかのように鎖を引いていた。
「昼までは渡れませんよ」と彼は、夜明けから待っている女に言った。言いながら、女の顔は見なかった。女は乾いた段の上に鞄を置いた。「では、昼まで待ちます」「家に帰ったほうがいい。
水は誰の言うことも聞かないから」帰る家はなかった。少なくとも、こちらの岸には。女は腰を下ろし、流れが運んでくる枝を数えはじめた。渡し守は小屋に入り、ストーブに火を入れて、
寒くもないのに長いあいだ手を温めていた。三週間前から引き出しの中にある手紙のことを考えていたのだ。まだ封を切っていない。封筒には震える手で書かれた言葉が一つだけあり、彼は
その手を自分の手よりもよく知っていた。昼近くなって霧が晴れ、向こう岸が見えた。柳の木、焼け落ちた水車小屋、丘へ登る道。誰かがそこに立って、白い布を振っている。「見えますか」と
女が聞いた。「見えます」と彼は答え、してはいけないことだと知りながら、舟の綱を解いた。櫂は湿って重く、流れは二人を堰のほうへ押しやった。そこから低く変わらない音が聞こえてくる。
舳先が石に当たるまで、二人とも一言も話さなかった。`,
  korean: `밤사이에 강물이 불어 있었다. 뱃사공이 등불을 들고 나루터로 내려왔을 때, 가장 낮은 계단은 이미 물속에 잠겨 있었고 배는 주인을 두고 떠나려는 듯이 사슬을 당기고 있었다.
"정오 전에는 건널 수 없습니다." 그는 새벽부터 기다리던 여자에게 그렇게 말했지만, 말하는 동안 그녀를 쳐다보지 않았다. 여자는 마른 계단 위에 가방을 내려놓았다. "그러면 정오까지
기다리겠어요." "집으로 돌아가는 편이 나을 겁니다. 물은 누구의 말도 듣지 않으니까요." 돌아갈 집은 없었다. 적어도 이쪽 강가에는 없었다. 그녀는 앉아서 물살이 실어 오는 나뭇가지를
세기 시작했다. 사공은 오두막으로 들어가 난로에 불을 피우고, 춥지도 않은데 오래도록 손을 녹였다. 그는 세 주 전부터 서랍 속에 놓여 있는 편지를 생각했다. 아직 뜯지 않은 편지였다.`,
  chinese: `夜里河水涨了。摆渡人提着灯走到码头的时候，最低的一级台阶已经在水下，小船扯着铁链，好像要丢下他自己走掉。“中午以前过不了河。”他对那个从天亮就等着的女人说，
说话的时候并没有看她。女人把包放在干的台阶上。“那我就等到中午。”“你还是回家去吧，”他回答，“水是不听任何人的话的。”她没有家可回，至少在这一边没有。她坐下来，开始数水流带来的树枝。
摆渡人走进小屋，生了炉子，烤了很久的手，虽然天气一点也不冷。他想着那封信，它在抽屉里已经放了三个星期，他还是没有打开。信封上只有一个字，是用发抖的手写的，而那只手他比自己的手还要熟悉。`,
  traditional: `夜裡河水漲了。擺渡人提著燈走到碼頭的時候，最低的一級臺階已經在水下，小船扯著鐵鏈，好像要丟下他自己走掉。「中午以前過不了河。」他對那個從天亮就等著的女人說，
說話的時候並沒有看她。女人把包放在乾的臺階上。「那我就等到中午。」「你還是回家去吧，」他回答，「水是不聽任何人的話的。」她沒有家可回，至少在這一邊沒有。她坐下來，開始數水流帶來的樹枝。
擺渡人走進小屋，生了爐子，烤了很久的手，雖然天氣一點也不冷。他想著那封信，它在抽屜裡已經放了三個星期，他還是沒有打開。信封上只有一個字，是用發抖的手寫的。`,
  french: `Pendant la nuit, la rivière avait monté. Quand le passeur descendit à l’embarcadère avec sa lanterne, la dernière marche était déjà sous l’eau, et la barque
tirait sur sa chaîne comme si elle voulait partir sans lui. « On ne traversera pas avant midi », dit-il à la femme qui attendait depuis l’aube, et il ne la regarda
pas en parlant. Elle posa son sac sur la marche sèche. « Alors j’attendrai midi. — Vous feriez mieux de rentrer chez vous, répondit-il ; l’eau n’écoute personne. »
Elle n’avait pas de chez-soi où rentrer, du moins pas de ce côté-ci. Elle s’assit donc et se mit à compter les branches que le courant emportait. Le passeur entra
dans sa cabane, alluma le poêle et se chauffa longuement les mains, bien qu’il ne fît pas froid du tout. Il pensait à la lettre qui était là, dans le tiroir.`,
  german: `In der Nacht war der Fluss gestiegen. Als der Fährmann mit seiner Laterne zur Anlegestelle kam, stand die unterste Stufe schon unter Wasser, und das Boot zerrte
an der Kette, als wolle es ohne ihn aufbrechen. „Vor Mittag wird niemand übergesetzt“, sagte er zu der Frau, die seit dem Morgengrauen wartete, und sah sie dabei nicht
an. Sie stellte ihre Tasche auf die trockene Stufe. „Dann warte ich bis Mittag.“ „Sie täten besser daran, nach Hause zu gehen. Das Wasser hört auf keinen.“ Ein Zuhause
hatte sie nicht, jedenfalls nicht auf dieser Seite. Sie setzte sich und zählte die Äste, die die Strömung vorübertrug. Der Fährmann ging in seine Hütte, machte Feuer
und wärmte sich lange die Hände, obwohl es gar nicht kühl war. Auf dem Umschlag stand ein einziges Wort, und er wußte, wer es geschrieben hatte.`,
  spanish: `Durante la noche el río había crecido. Cuando el barquero bajó al embarcadero con su farol, el último escalón ya estaba bajo el agua y la barca tiraba de la cadena
como si quisiera marcharse sin él. «Antes del mediodía no cruzará nadie», le dijo a la mujer que esperaba desde el alba, y no la miró mientras hablaba. Ella dejó la bolsa
en el escalón seco. «Entonces esperaré hasta el mediodía.» «Sería mejor que volviera a su casa; el agua no escucha a nadie.» ¿Y adónde iba a volver? No tenía casa, al menos
no en esta orilla. Se sentó, pues, y empezó a contar las ramas que traía la corriente. El barquero entró en la cabaña, encendió la estufa y se calentó las manos, aunque no
hacía ningún frío. Pensaba en la carta que llevaba tres semanas en el cajón y que todavía no había abierto. ¡Qué extraño!`,
  italian: `Nella notte il fiume era salito. Quando il traghettatore scese all’imbarcadero con la lanterna, l’ultimo gradino era già sott’acqua e la barca tirava la catena come se
volesse partire senza di lui. «Prima di mezzogiorno non si passa», disse alla donna che aspettava dall’alba, e non la guardò mentre parlava. Lei posò la borsa sul gradino
asciutto. «Allora aspetterò fino a mezzogiorno.» «Sarebbe meglio tornare a casa: l’acqua non ascolta nessuno, perché è fatta così.» Una casa non ce l’aveva più, almeno non da
questa parte. Si sedette e cominciò a contare i rami che la corrente portava giù. Il traghettatore entrò nel capanno e si scaldò a lungo le mani, benché non facesse affatto
freddo. Più tardi la nebbia si alzò e si vide l’altra riva: i salici, il mulino bruciato, il sentiero che saliva. C’è qualcuno laggiù, pensò; chissà chi è, e perché è lì.`,
  portuguese: `Durante a noite o rio subira. Quando o barqueiro desceu ao cais com a lanterna, o último degrau já estava debaixo de água, e o barco puxava a corrente como se quisesse
partir sem ele. — Antes do meio-dia ninguém atravessa — disse à mulher que esperava desde a madrugada, e não olhou para ela enquanto falava. Ela pousou a mala no degrau seco.
— Então espero até ao meio-dia. — Seria melhor voltar para casa; a água não ouve ninguém. Não tinha casa para onde voltar, pelo menos não deste lado. Sentou-se, pois, e começou
a contar os ramos que a corrente trazia. O barqueiro entrou na cabana e aqueceu longamente as mãos, embora não fizesse frio nenhum. As orações da avó, pensou ele, não tinham razão.`,
  swedish: `Under natten hade floden stigit. När färjkarlen kom ner till bryggan med sin lykta stod det nedersta trappsteget redan under vatten, och båten ryckte i kedjan som om den ville
ge sig av utan honom. ”Före middag far ingen över”, sade han till kvinnan som hade väntat sedan gryningen, och han såg inte på henne medan han talade. Hon ställde väskan på det
torra steget. ”Då väntar jag till middag.” ”Det vore bättre att gå hem. Vattnet lyssnar inte på någon.” Något hem hade hon inte, åtminstone inte på den här sidan. Hon satte sig
och började räkna grenarna som strömmen förde med sig. Färjkarlen gick in i sin stuga, tände i spisen och värmde länge händerna, fastän det inte alls var kallt.`,
  danish: `Om natten var floden steget. Da færgemanden kom ned til broen med sin lygte, stod det nederste trin allerede under vand, og båden rykkede i kæden, som om den ville af sted uden ham.
»Før middag kommer ingen over,« sagde han til kvinden, der havde ventet siden daggry, og han så ikke på hende, mens han talte. Hun satte tasken på det tørre trin. »Så venter jeg til
middag.« »Det var bedre at gå hjem. Vandet hører ikke på nogen.« Noget hjem havde hun ikke, i hvert fald ikke på denne side. Hun satte sig og begyndte at tælle de grene, som strømmen
førte med sig. Færgemanden gik ind i sit skur, tændte op i ovnen og varmede længe sine hænder, skønt det slet ikke var koldt.`,
  finnish: `Yöllä joki oli noussut. Kun lautturi tuli lyhtyineen alas laiturille, alin porras oli jo veden alla, ja vene nyki kettinkiään kuin olisi tahtonut lähteä ilman häntä. ”Ennen puoltapäivää
ei kukaan pääse yli”, hän sanoi naiselle, joka oli odottanut aamunkoitosta asti, eikä katsonut tähän puhuessaan. Nainen laski laukkunsa kuivalle portaalle. ”Sitten odotan puoleenpäivään.”
”Olisi parempi mennä kotiin. Vesi ei kuuntele ketään.” Kotia hänellä ei ollut, ei ainakaan tällä puolella. Hän istuutui ja alkoi laskea oksia, joita virta kuljetti mukanaan.`,
} as const

/** A language of the passages. */
export type Language = keyof typeof passages

/** Returns a text with the plain signs of older encodings: none of typographic quotes, dashes and dots. */
export function withPlainSigns(text: string): string {
  return text
    .replace(/[“”„«»]/g, '"')
    .replace(/[‘’]/g, "'")
    .replace(/[–—]/g, '-')
    .replace(/…/g, '...')
}
