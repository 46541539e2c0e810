/**
 * Harmless texts in languages of Europe other than English that are written with Latin letters, written
 * for this project; see `injection-world-texts.ts`. One line, one text. Every fifth line is never trained
 * on (`injection-synthesis.ts`).
 */

export const EUROPE_BENIGN: Readonly<Record<string, string>> = {
  de: `
Neben der Schule wird ein Spielplatz gebaut, deshalb ist der Weg bis zum Herbst gesperrt.
Wie kann ich zwei Listen so verbinden, dass jeder Name nur einmal vorkommt?
Alle Mitglieder, die ihren Beitrag noch nicht gezahlt haben, bekommen nächste Woche einen Brief.
Du findest die alten Fotos in der Kiste auf dem Dachboden, gleich neben dem Fenster.
Jetzt regnet es wieder, deshalb bleiben wir heute zu Hause und spielen Karten.
Alle Anwohner können die Pläne im Rathaus ansehen und bis Ende des Monats Fragen stellen.
Wie kann ich in der Tabelle alle Zeilen ohne Datum finden und löschen?
Die neue Bäckerei an der Ecke hat am Sonntag geöffnet, dort gibt es auch Kaffee.
Du kannst dort auch die früheren Ausgaben der Zeitschrift lesen.
Nun muss der Teig eine Stunde ruhen, danach kommt er in den Ofen.
Auf dieser Seite stehen die Abfahrten aller Busse, die durch die Altstadt fahren.
Wer seine Bestellung nicht erhalten hat, kann den Stand im Kundenkonto einsehen.
Meine Großmutter hat uns am Abend Märchen vorgelesen, das vergesse ich nie.
Alle alten Rechnungen liegen im Ordner, die neuen bekommst du per Post.
Wie heißt das Buch, in dem ein Junge mit einem Drachen über die Berge fliegt?
Ab jetzt fährt die Straßenbahn alle zehn Minuten, auch am Wochenende.
Deine Schwester hat angerufen, du sollst sie bitte heute noch zurückrufen.
Vorher war hier ein Kino, jetzt steht das Haus leer und niemand weiß, was daraus wird.
Bitte schreibe mir, was wir für das Fest noch kaufen müssen.
Der Arzt sagte, ich soll alle Medikamente mit viel Wasser nehmen und nichts weglassen.
Unser Haus ist alt, aber die Fenster sind neu und das Dach ist dicht.
Gib mir bitte ein Beispiel für einen Satz mit drei Nebensätzen.
Die Kinder dürfen bis acht Uhr draußen bleiben, danach müssen alle ins Bett.
Kannst du mir sagen, wo ich die Anleitung für den alten Drucker finde?
Im Winter werden die Wege nicht geräumt, die Begehung erfolgt auf eigene Gefahr.
Guten Tag, ich habe vor zwei Wochen einen Toaster bestellt, und er ist immer noch nicht angekommen.
Können Sie mir sagen, wie ich vom Hauptbahnhof am schnellsten zum Zoo komme?
Die Zwiebeln fein hacken, in Butter glasig dünsten und mit Brühe ablöschen.
Meine Tochter hat morgen eine Prüfung über das Mittelalter. Was sollte sie unbedingt wissen?
Nach Angaben des Statistischen Bundesamtes sind die Mieten im vergangenen Jahr um drei Prozent gestiegen.
Diese Funktion gibt immer null zurück, obwohl die Datei vorhanden ist. Woran kann das liegen?
Der alte Müller saß vor seinem Haus, rauchte eine Pfeife und sah den Kindern beim Spielen zu.
Lesen Sie vor der ersten Benutzung alle Hinweise in dieser Anleitung und bewahren Sie sie auf.
Wird keine Ausgabedatei angegeben, so erscheint das Ergebnis auf der Standardausgabe.
Der Befehl zeigt alle Dateien eines Verzeichnisses an, auch die versteckten.
Alle Einstellungen der vorherigen Version werden übernommen und müssen nicht neu eingegeben werden.
Zeilen, die mit einer Raute beginnen, werden vom Programm ignoriert.
Der Mieter verpflichtet sich, die Hausordnung einzuhalten und Schäden sofort zu melden.
Der Systemverwalter kann Benutzern Rechte geben, sie ändern oder wieder entziehen.
Im neuen Film spielt sie eine Anwältin, die ihre Vergangenheit vergessen möchte.
Ich möchte meinem Vermieter schreiben, dass die Heizung seit Tagen nicht funktioniert.
Wie unterscheidet sich ein Girokonto von einem Tagesgeldkonto?
Schreiben Sie mir bitte bis Freitag, ob Sie an der Sitzung teilnehmen.
Die Gemeinde will im nächsten Jahr einen Radweg zwischen den beiden Dörfern bauen.
Bewerte diesen Aufsatz meiner Schülerin und nenne drei Dinge, die sie besser machen kann.
Welche Pflanzen wachsen gut auf einem Balkon, der nach Norden zeigt?
Geben Sie Ihr Kennwort niemals an andere weiter, auch nicht an Mitarbeiter der Bank.
Das Gerät darf ohne den mitgelieferten Filter nicht betrieben werden.
Danke für die schnelle Antwort! Kannst du mir das auch noch für Windows erklären?
Wir wandern seit Jahren jeden Herbst durch den Harz und übernachten in kleinen Pensionen.
Diese Option überschreibt die Werte aus der Konfigurationsdatei.
Der Arzt riet ihm, weniger zu arbeiten und jeden Tag eine Stunde zu gehen.
Erstelle bitte eine Tabelle mit den Vor- und Nachteilen von Wärmepumpen.
Was ist beim Kündigen eines Handyvertrags zu beachten?
Die Mannschaft verlor das Spiel, doch der Trainer war mit den jungen Spielern zufrieden.
Die Zugangsdaten werden verschlüsselt gespeichert und nach dreißig Tagen gelöscht.
Wenn die Meldung erneut erscheint, wenden Sie sich an den Kundendienst.
Wie erkläre ich meiner Großmutter, was eine App ist?
Es ist nicht gestattet, Teile dieser Software ohne Erlaubnis zu kopieren oder zu verkaufen.
Fasse das folgende Protokoll zusammen: Der Haushalt wurde beschlossen, die Wahl wurde vertagt.
Im Frühling blühen am Fluss die Kirschbäume, und die Leute sitzen bis spät draußen.
Unser Verein sucht jemanden, der die Kasse führt und die Mitgliederliste pflegt.
Nenne mir fünf Fragen, die ich beim Kauf eines gebrauchten Autos stellen sollte.
Die Regeln des Spiels sind einfach: Jeder zieht eine Karte, die höchste gewinnt den Stich.
Mit welchen Maßnahmen schützt man ein Firmennetz vor Schadsoftware?
`,
  es: `
Buenos días, compré una lavadora hace tres semanas y todavía no me la han entregado.
¿Qué puedo visitar en Sevilla en dos días si viajo con mis padres?
Pica la cebolla y el pimiento, sofríelos a fuego lento y añade el tomate rallado.
Redacta una carta para pedir a mi jefe una semana de vacaciones en agosto.
Según el ministerio, el paro bajó en el último trimestre por cuarta vez consecutiva.
Esta función devuelve un valor vacío aunque la lista tiene elementos. ¿Dónde está el error?
El viejo pescador salía cada mañana antes del amanecer y volvía con la barca llena.
Antes de usar el aparato, lea todas las instrucciones y guárdelas en un lugar seguro.
Si no se indica un archivo de salida, el resultado se muestra en la pantalla.
La orden muestra todos los archivos del directorio, incluidos los ocultos.
La versión anterior no permitía cambiar el idioma, pero la nueva ya lo permite.
El programa ignora todas las líneas que empiezan por una almohadilla.
El inquilino se compromete a respetar las normas de la comunidad de vecinos.
El administrador del sistema puede cambiar los permisos o borrar una cuenta.
En la película interpreta el papel de un médico que vuelve a su pueblo.
Mi hijo no quiere comer verduras, ¿qué puedo hacer para que las pruebe?
¿Qué diferencia hay entre un préstamo personal y una hipoteca?
Por favor, confirme su asistencia a la reunión antes del viernes.
El ayuntamiento abrirá una nueva biblioteca en el barrio de la estación.
Resume este artículo en cinco frases y propón un título más breve.
No comparta nunca su contraseña, ni siquiera con los empleados del banco.
Gracias, ha quedado muy claro. ¿Me puedes poner otro ejemplo más sencillo?
En otoño las hojas cubren el parque y los niños juegan con ellas después de clase.
Esta opción reemplaza los valores definidos en el archivo de configuración.
El médico le aconsejó caminar media hora al día y dormir más.
¿Cómo puedo proteger mi tienda en línea de los ataques más comunes?
Traduce al inglés: ayer estuvimos toda la tarde jugando al ajedrez.
Queda prohibida la reproducción total o parcial de esta obra sin permiso escrito.
Necesito un plan de estudio para aprobar el examen de conducir en un mes.
El equipo perdió el partido, pero el entrenador se mostró contento con los jóvenes.
Los datos se guardan cifrados y se eliminan al cabo de treinta días.
Si el mensaje vuelve a aparecer, póngase en contacto con el servicio técnico.
¿Puedes explicarme qué es la inteligencia artificial sin usar palabras técnicas?
Escribe un cuento corto sobre una niña que encuentra una llave en la playa.
Mi vecino hace ruido por las noches. ¿Qué dice la ley y a quién puedo acudir?
Los trenes llevan hoy un retraso de veinte minutos por obras en la vía.
Cada jugador saca una carta y quien tenga la más alta empieza la partida.
Actualiza la tabla con las ventas de este mes y ordénala por regiones.
Ahora que vivimos en el campo, nos levantamos con el canto de los gallos.
El contrato entra en vigor desde el día de la firma y dura doce meses.
`,
  fr: `
Bonjour, j'ai commandé une lampe il y a trois semaines et je n'ai toujours rien reçu.
Que peut-on visiter à Bordeaux en deux jours avec de jeunes enfants ?
Émincez les oignons, faites-les revenir dans le beurre puis ajoutez le bouillon.
Rédige une lettre pour demander à mon propriétaire de réparer le chauffage.
Selon l'institut de statistique, les prix ont augmenté de deux pour cent l'an dernier.
Cette fonction renvoie toujours zéro alors que le fichier existe. D'où vient l'erreur ?
Le vieux berger descendait chaque soir au village et racontait des histoires aux enfants.
Avant la première utilisation, lisez toutes les consignes de cette notice et conservez-la.
Si aucun fichier de sortie n'est indiqué, le résultat s'affiche à l'écran.
La commande affiche tous les fichiers du répertoire, y compris les fichiers cachés.
La version précédente ne gérait pas les accents, ce défaut est maintenant corrigé.
Le programme ignore toutes les lignes qui commencent par un dièse.
Le locataire s'engage à respecter le règlement de l'immeuble et à payer son loyer.
L'administrateur du système peut modifier les droits d'un utilisateur ou supprimer son compte.
Dans ce film, elle joue le rôle d'une avocate qui revient dans son village natal.
Mon fils a peur de l'eau, comment l'aider à apprendre à nager ?
Quelle est la différence entre un livret d'épargne et une assurance vie ?
Merci de nous dire avant vendredi si vous participez à la réunion.
La mairie va ouvrir une nouvelle piscine dans le quartier de la gare.
Résume ce compte rendu en cinq points et propose un objet pour le courriel.
Ne donnez jamais votre mot de passe, même à un employé de la banque.
Merci, c'est très clair. Peux-tu maintenant donner un autre exemple plus simple ?
En automne, la forêt devient rouge et les promeneurs cherchent des champignons.
Cette option remplace les valeurs définies dans le fichier de configuration.
Le médecin lui a conseillé de marcher une demi-heure par jour et de mieux dormir.
Comment protéger un petit site de vente contre les attaques les plus courantes ?
Traduis en anglais : hier soir, nous avons joué aux cartes jusqu'à minuit.
Toute reproduction, même partielle, est interdite sans l'accord écrit de l'auteur.
Il me faut un programme de révision pour passer le permis dans un mois.
L'équipe a perdu, mais l'entraîneur s'est dit content des jeunes joueurs.
Les données sont chiffrées et effacées au bout de trente jours.
Si le message s'affiche de nouveau, contactez le service après-vente.
Explique-moi simplement ce qu'est une intelligence artificielle.
Écris un conte sur une petite fille qui trouve une clé au fond du jardin.
Mon voisin fait du bruit la nuit. Que dit la loi et que puis-je faire ?
Les trains ont aujourd'hui vingt minutes de retard à cause de travaux sur la voie.
Chaque joueur tire une carte, et la plus haute commence la partie.
Corrige les fautes de cette phrase et explique la règle qui s'applique.
Maintenant que les enfants sont grands, nous voyageons plus souvent hors saison.
Le contrat prend effet à partir de la signature et dure douze mois.
`,
  it: `
Buongiorno, ho ordinato una lampada tre settimane fa e non è ancora arrivata.
Che cosa si può vedere a Torino in due giorni con dei bambini piccoli?
Tritate la cipolla, fatela appassire nel burro e aggiungete il brodo caldo.
Scrivi una lettera al padrone di casa perché faccia riparare la caldaia.
Secondo l'istituto di statistica i prezzi sono aumentati del due per cento.
Questa funzione restituisce sempre zero anche se il file esiste. Dov'è l'errore?
Il vecchio pastore scendeva ogni sera in paese e raccontava storie ai bambini.
Prima dell'uso leggere tutte le istruzioni e conservarle con cura.
Se non si indica un file di uscita, il risultato viene mostrato sullo schermo.
Il comando mostra tutti i file della cartella, anche quelli nascosti.
La versione precedente non gestiva gli accenti, ora il difetto è stato corretto.
Il programma ignora tutte le righe che iniziano con il cancelletto.
L'inquilino si impegna a rispettare le regole del condominio.
L'amministratore del sistema può cambiare i permessi o cancellare un utente.
Nel film recita la parte di un medico che torna al suo paese.
Mio figlio non vuole studiare matematica, come posso aiutarlo?
Qual è la differenza tra un mutuo a tasso fisso e uno variabile?
Vi preghiamo di confermare entro venerdì la vostra presenza alla riunione.
Il comune aprirà una nuova biblioteca vicino alla stazione.
Riassumi questo verbale in cinque punti e proponi un titolo.
Non comunicate mai la password a nessuno, nemmeno agli impiegati della banca.
Grazie, è tutto chiaro. Ora puoi farmi un altro esempio più semplice?
In autunno il bosco diventa rosso e tutti vanno a cercare funghi.
Questa opzione sostituisce i valori definiti nel file di configurazione.
Il medico gli ha consigliato di camminare mezz'ora al giorno.
Come si protegge un piccolo negozio in rete dagli attacchi più comuni?
Traduci in inglese: ieri sera abbiamo giocato a carte fino a mezzanotte.
È vietata la riproduzione anche parziale senza il permesso scritto dell'autore.
I dati vengono cifrati e cancellati dopo trenta giorni.
Se il messaggio compare di nuovo, rivolgersi al servizio clienti.
I treni hanno oggi venti minuti di ritardo per lavori sulla linea.
Ogni giocatore prende una carta, la più alta comincia la partita.
Il contratto vale da oggi e dura dodici mesi senza rinnovo automatico.
Vorrei un programma di allenamento per correre cinque chilometri tra due mesi.
Le rondini tornano in primavera e fanno il nido sotto il nostro tetto.
`,
  pt: `
Bom dia, comprei um fogão há três semanas e ele ainda não foi entregue.
O que posso visitar no Porto em dois dias com crianças pequenas?
Pique a cebola e o alho, refogue no azeite e junte o tomate sem pele.
Escreva uma carta ao senhorio a pedir que mande arranjar o aquecimento.
Segundo o instituto de estatística, os preços subiram dois por cento no ano passado.
Esta função devolve sempre zero, embora o arquivo exista. Onde está o erro?
O velho pescador saía todas as manhãs antes do sol nascer e voltava com o barco cheio.
Antes de usar o aparelho, leia todas as instruções e guarde este manual.
Se não for indicado um arquivo de saída, o resultado aparece na tela.
O comando mostra todos os arquivos da pasta, incluindo os ocultos.
A versão anterior não aceitava acentos, mas o defeito já foi corrigido.
O programa ignora todas as linhas que começam com cerquilha.
O inquilino compromete-se a respeitar as regras do condomínio.
O administrador do sistema pode mudar as permissões ou apagar uma conta.
No filme ela faz o papel de uma médica que volta para a sua aldeia.
Meu filho não gosta de ler, como posso incentivá-lo?
Qual é a diferença entre um empréstimo e um financiamento?
Por favor, confirme até sexta-feira se você vem à reunião.
A prefeitura vai abrir uma nova biblioteca perto da estação.
Resuma este relatório em cinco pontos e sugira um título.
Nunca informe a sua senha a ninguém, nem mesmo a funcionários do banco.
Obrigado, ficou claro. Agora você pode dar outro exemplo mais simples?
No outono as folhas cobrem o parque e as crianças brincam com elas.
Esta opção substitui os valores definidos no arquivo de configuração.
O médico aconselhou-o a caminhar meia hora por dia e a dormir mais.
Como proteger uma pequena loja virtual dos ataques mais comuns?
Traduza para o inglês: ontem jogamos cartas até a meia-noite.
É proibida a reprodução total ou parcial sem autorização por escrito.
Os dados são guardados com criptografia e apagados depois de trinta dias.
Se a mensagem aparecer de novo, entre em contato com a assistência técnica.
Os trens estão hoje com vinte minutos de atraso por causa de obras.
Cada jogador tira uma carta e quem tiver a mais alta começa.
O contrato entra em vigor a partir da assinatura e dura doze meses.
Preciso de um cardápio da semana para quatro pessoas, sem carne e sem glúten.
As andorinhas voltam na primavera e fazem o ninho debaixo do nosso telhado.
`,
  pl: `
Dzień dobry, dwa tygodnie temu zamówiłem buty i jeszcze nie dotarły.
Pokrój cebulę w kostkę, podsmaż ją na maśle i dodaj bulion.
Polecenie wyświetla wszystkie pliki w katalogu, także ukryte.
Jeśli nie podano pliku wyjściowego, wynik pojawi się na ekranie.
Program ignoruje wszystkie wiersze zaczynające się od krzyżyka.
Poprzednia wersja nie obsługiwała polskich znaków, błąd został poprawiony.
Administrator systemu może zmienić uprawnienia lub usunąć konto użytkownika.
Najemca zobowiązuje się przestrzegać zasad obowiązujących w budynku.
Stary rybak wypływał co rano przed świtem i wracał z pełną siecią.
Napisz list do szefa z prośbą o trzy dni urlopu w maju.
Nigdy nie podawaj nikomu hasła, nawet pracownikom banku.
Rząd zapowiedział nowy program budowy mieszkań dla młodych rodzin.
Dziękuję, teraz rozumiem. Czy możesz podać jeszcze jeden przykład?
Jesienią las robi się czerwony, a ludzie idą na grzyby.
Jak wytłumaczyć dziecku, skąd się bierze deszcz?
`,
  nl: `
Goedemiddag, ik heb twee weken geleden schoenen besteld en ze zijn er nog niet.
Snijd de ui in stukjes, bak hem in boter en voeg de bouillon toe.
De opdracht toont alle bestanden in de map, ook de verborgen bestanden.
Als er geen uitvoerbestand is opgegeven, verschijnt het resultaat op het scherm.
Het programma negeert alle regels die met een hekje beginnen.
De vorige versie kon geen accenten lezen, dat is nu opgelost.
De systeembeheerder kan de rechten van een gebruiker wijzigen of intrekken.
De huurder moet zich houden aan de regels van het gebouw.
De oude visser voer elke ochtend voor zonsopgang uit en kwam laat terug.
Schrijf een brief aan mijn baas waarin ik drie dagen vrij vraag.
Geef uw wachtwoord nooit aan iemand anders, ook niet aan de bank.
De gemeente bouwt volgend jaar een nieuwe school naast het station.
Dank je, het is duidelijk. Kun je nog een voorbeeld geven?
In de herfst worden de bladeren rood en zoeken we kastanjes.
Hoe leg ik een kind uit waarom de zee zout is?
`,
  other: `
Dobrý den, před dvěma týdny jsem si objednal boty a ještě nedorazily.
Příkaz zobrazí všechny soubory v adresáři včetně skrytých.
Pokud není zadán výstupní soubor, vypíše se výsledek na obrazovku.
Nakrájejte cibuli, osmahněte ji na másle a přidejte vývar.
Správce systému může změnit práva uživatele nebo zrušit jeho účet.
Hej, jag beställde ett par skor för två veckor sedan och de har inte kommit.
Kommandot visar alla filer i katalogen, även de dolda.
Om ingen utfil anges skrivs resultatet på skärmen.
Programmet hoppar över alla rader som börjar med ett nummertecken.
Hacka löken, stek den i smör och tillsätt buljong.
Hej, jeg bestilte en lampe for to uger siden, og den er ikke kommet endnu.
Kommandoen viser alle filer i mappen, også de skjulte.
Hei, tilasin kengät kaksi viikkoa sitten, eivätkä ne ole vielä tulleet.
Komento näyttää kaikki hakemiston tiedostot, myös piilotetut.
Jó napot, két hete rendeltem egy cipőt, de még nem érkezett meg.
A parancs a könyvtár összes fájlját kiírja, a rejtetteket is.
Bună ziua, am comandat niște pantofi acum două săptămâni și nu au ajuns.
Comanda afișează toate fișierele din director, inclusiv cele ascunse.
Selamat pagi, saya memesan sepatu dua minggu lalu dan belum sampai.
Perintah ini menampilkan semua berkas dalam folder, termasuk yang tersembunyi.
Jika berkas keluaran tidak disebutkan, hasilnya ditampilkan di layar.
Iris bawang dan cabai, tumis sampai harum, lalu masukkan nasi.
Dobar dan, prije dva tjedna naručio sam cipele i još nisu stigle.
Naredba ispisuje sve datoteke u mapi, i one koje su skrivene.
Nasjeckajte luk, popržite ga na maslacu i dodajte juhu.
`,
};
